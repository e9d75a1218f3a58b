//! `mainstay sample`: prints a commented example to start from.
//!
//! Does I/O: writes to what it is given. Invariant: what is printed is a file of this repository, so that the tests
//! which load those files test what users copy.
//! Not here: the settings themselves (`config::settings`).

use std::io::{self, Write};

/// The configuration of `mainstay run --example`.
pub const DEMO: &str = include_str!("../../samples/demo.toml");

/// What to print.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Sample {
    /// A supervisord.conf
    Ini,
    /// A mainstay.toml
    Toml,
    /// What echo_supervisord_conf prints: every section and option of Supervisor with its default
    Supervisord,
    /// Environment variables, for `docker run --env-file`
    Env,
    /// A Dockerfile that adds mainstay to an image
    Docker,
    /// A Deployment with probes and a ConfigMap
    K8s,
}

impl Sample {
    /// The text that is printed.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Sample::Ini => include_str!("../../samples/supervisord.conf"),
            Sample::Toml => include_str!("../../samples/mainstay.toml"),
            Sample::Supervisord => include_str!("../../samples/echo_supervisord.conf"),
            Sample::Env => include_str!("../../samples/mainstay.env"),
            Sample::Docker => include_str!("../../docker/Dockerfile.example"),
            Sample::K8s => include_str!("../../k8s/deployment.yaml"),
        }
    }
}

/// Print a commented example: ini, toml, supervisord, env, docker or k8s
#[derive(Clone, Debug, clap::Args)]
pub struct SampleArgs {
    /// Which one
    #[arg(value_enum, default_value = "toml")]
    pub what: Sample,
}

/// Writes the sample to `out`.
///
/// # Errors
/// What `out` says.
pub fn run(args: &SampleArgs, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(args.what.text().as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::raw::SectionKind;
    use crate::config::testing::FakeWorld;
    use crate::config::{Loaded, Sources, from_env, load, settings};
    use clap::ValueEnum;

    #[derive(clap::Parser)]
    struct Face {
        #[command(flatten)]
        args: SampleArgs,
    }

    fn printed(words: &[&str]) -> String {
        let face = <Face as clap::Parser>::try_parse_from([&["sample"], words].concat()).expect("arguments");
        let mut out = Vec::new();
        run(&face.args, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn every_word_prints_its_sample_and_none_prints_toml() {
        for (word, sign) in [
            ("ini", "[program:web]"),
            ("toml", "[program.web]"),
            ("supervisord", ";[program:NAME]"),
            ("env", "MAINSTAY_PROGRAM__WEB="),
            ("docker", "ENTRYPOINT"),
            ("k8s", "kind: Deployment"),
        ] {
            assert!(printed(&[word]).contains(sign), "{word}");
        }
        assert_eq!(printed(&[]), printed(&["toml"]));
        assert_eq!(Sample::value_variants().len(), 6);
    }

    /// Loads a sample without errors; warnings are given back as text.
    fn loaded(name: &str, text: &str, env: Vec<(String, String)>) -> (Loaded, Vec<String>) {
        let world = FakeWorld::with(&[(name, text)]);
        let file = (!name.is_empty()).then(|| name.into());
        let loaded =
            load(&Sources { file, env, ..Sources::default() }, &world).expect("a good configuration");
        let warnings = loaded.warnings.items.iter().map(|d| d.message.clone()).collect();
        (loaded, warnings)
    }

    fn names(loaded: &Loaded) -> Vec<String> {
        loaded.config.processes().map(|p| format!("{}:{}", p.group, p.name)).collect()
    }

    #[test]
    fn the_file_samples_load_without_a_warning() {
        let site = ["site:web", "site:worker_00", "site:worker_01"];
        for (name, sample) in [("/etc/supervisord.conf", Sample::Ini), ("/etc/mainstay.toml", Sample::Toml)] {
            let (loaded, warnings) = loaded(name, sample.text(), Vec::new());
            assert_eq!(warnings, [""; 0], "{name}");
            assert_eq!(names(&loaded), site, "{name}");
            assert_eq!(loaded.config.http.len(), 1, "{name}");
        }
    }

    #[test]
    fn what_echo_supervisord_conf_prints_names_every_setting_of_supervisor() {
        let ours = [SectionKind::Mainstay, SectionKind::Http];
        let text = Sample::Supervisord.text();
        let of_supervisor =
            |s: &&settings::Setting| !settings::is_native(s.key) && !s.key.starts_with("dependent_startup");
        for setting in settings::all().filter(of_supervisor) {
            if setting.kinds.iter().any(|k| !ours.contains(k))
                && !setting.kinds.contains(&SectionKind::Mainstay)
            {
                let is_there =
                    ["\n", "\n;"].iter().any(|before| text.contains(&format!("{before}{}=", setting.key)));
                assert!(is_there, "{}", setting.key);
            }
        }
        let (loaded, warnings) = loaded("/etc/supervisord.conf", text, Vec::new());
        assert_eq!((warnings.len(), names(&loaded)), (1, Vec::new()), "only that there is no program");
    }

    #[test]
    fn the_demo_loads_without_a_warning() {
        let (loaded, warnings) = loaded("/demo.toml", DEMO, Vec::new());
        assert_eq!(warnings, [""; 0]);
        assert_eq!(names(&loaded), ["web:web", "worker:worker_0", "worker:worker_1", "flaky:flaky"]);
    }

    #[test]
    fn the_environment_sample_loads_with_its_comments_taken_off() {
        let lines = Sample::Env.text().lines().map(|line| line.strip_prefix('#').unwrap_or(line));
        let vars =
            lines.filter(|line| line.starts_with(from_env::PREFIX)).filter_map(|line| line.split_once('='));
        let vars = vars.map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let (loaded, warnings) = loaded("", "", vars);
        assert_eq!(warnings, [""; 0]);
        assert_eq!(names(&loaded), ["site:web", "site:worker"]);
        assert_eq!(loaded.config.control.len(), 1);
    }

    /// What stands in a comment is copied by people as well.
    #[test]
    fn the_commented_lines_of_ours_can_be_used() {
        let uncommented = |text: &str, mark: &str| {
            let ours = |line: &str| {
                let key = line.split(['=', ' ']).next().unwrap_or_default();
                ["drain_delay", "shutdown_timeout", "signal_hup", "HUP", "[signals]"].contains(&key)
                    || ["readiness", "liveness", "backoff", "rlimits"].contains(&key)
                    || settings::is_native(key) && !["depends_on", "schedule_timezone"].contains(&key)
            };
            let lines = text.lines().map(|line| match line.strip_prefix(mark) {
                Some(bare) if ours(bare) => bare,
                _ => line,
            });
            lines.collect::<Vec<_>>().join("\n")
        };
        let ini = uncommented(Sample::Ini.text(), ";");
        let (of_ini, warnings) = loaded("/etc/supervisord.conf", &ini, Vec::new());
        assert_eq!(warnings, [""; 0]);
        // Below it stands a whole program in a comment.
        let toml =
            Sample::Toml.text().replace("# [program.", "[program.").replace("# command = ", "command = ");
        let toml = uncommented(&toml, "# ");
        let (of_toml, warnings) = loaded("/etc/mainstay.toml", &toml, Vec::new());
        assert_eq!(warnings, [""; 0]);
        for loaded in [of_ini, of_toml] {
            let web = loaded.config.processes().find(|p| p.name == "web").expect("it is there");
            assert!(
                web.native.readiness.is_some() && web.native.env.is_some() && web.native.limits.is_some()
            );
            assert!(
                loaded.config.supervisor.drain_delay_ms == 5000
                    && loaded.config.supervisor.signals.len() == 1
            );
        }
    }

    #[test]
    fn the_docker_example_loads() {
        let (loaded, _) =
            loaded("/etc/supervisord.conf", include_str!("../../docker/supervisord.conf"), Vec::new());
        assert_eq!(names(&loaded), ["web:web", "clock:clock"]);
    }

    #[test]
    fn the_table_of_ours_in_the_documentation_says_what_the_table_says() {
        let page = include_str!("../../docs/configuration.md");
        for setting in settings::native() {
            let row = page.lines().find(|l| l.starts_with(&format!("| `{}` |", setting.key)));
            let row = row.unwrap_or_else(|| panic!("{} has no row", setting.key));
            let default = setting.container.map_or(String::new(), |d| format!("`{d}`"));
            assert!(row.ends_with(&format!("| {default} | {} |", setting.doc)), "{row}");
        }
    }

    /// Until the page is generated from this table.
    #[test]
    fn every_setting_is_in_the_documentation() {
        let page = include_str!("../../docs/configuration.md");
        for setting in settings::all().filter(|s| !s.kinds.contains(&SectionKind::Supervisorctl)) {
            // A row of the page speaks of both streams: "`stdout_syslog`, `stderr_…`".
            let key = setting.key.replacen("stderr_", "stdout_", 1);
            let only_there = [SectionKind::Include, SectionKind::EventListener, SectionKind::Fcgi];
            let is_elsewhere = setting.kinds.iter().all(|k| only_there.contains(k));
            let is_there = ["`", " "].iter().any(|before| page.contains(&format!("{before}{key}`")));
            assert!(is_there || is_elsewhere, "{}", setting.key);
        }
    }
}
