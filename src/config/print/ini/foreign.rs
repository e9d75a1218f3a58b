//! What a configuration of TOML or the environment is in INI, and what INI has no words for.
//!
//! Pure. Invariants: a configuration that was INI stays as it is; what changes its meaning is said in a comment that
//! begins with `# left out`, never passed over. Not here: the printing itself (`ini`).

use crate::config::model::{Config, Dialect, LogTarget, MainLog, StdStream};

/// The configuration as near as INI can say it, and comments for the rest.
pub(super) fn settle(config: &Config) -> (Config, String) {
    let mut config = config.clone();
    let mut left_out = String::new();
    if config.dialect == Dialect::Ini {
        return (config, left_out);
    }
    let mut say = |text: &str| {
        for piece in ["# left out: ", text, "\n"] {
            left_out.push_str(piece);
        }
    };
    main_log(&mut config, &mut say);
    if config.supervisor.pidfile.is_none() {
        // `/dev/null` would be removed at the end by Supervisor.
        say(
            "that no pidfile is written; INI always has one, `supervisord.pid` unless `pidfile` names another",
        );
    }
    for program in config.groups.iter_mut().flat_map(|g| &mut g.programs) {
        for plan in [&mut program.stdout, &mut program.stderr] {
            // No stream is rotated here, and Supervisor fails when it tries.
            if matches!(plan.target, LogTarget::Stream { .. }) {
                plan.maxbytes = 0;
            }
        }
        let rounded = [&mut program.startsecs_ms, &mut program.stopwaitsecs_ms].map(whole_seconds);
        if rounded.contains(&true) {
            say(&format!("parts of a second in `startsecs` and `stopwaitsecs` of `{}`", program.name));
        }
    }
    (config, left_out)
}

/// INI's copy of the daemon's log goes to stdout, where the others have theirs on stderr: it is always turned off.
fn main_log(config: &mut Config, say: &mut dyn FnMut(&str)) {
    let s = &mut config.supervisor;
    let copy = s.log_stream.take();
    s.silent = true;
    match (&s.logfile, copy) {
        (MainLog::None, Some(stream)) => s.logfile = MainLog::Stream(stream),
        (_, Some(StdStream::Stderr)) => say("the copy of the daemon's log on stderr"),
        (_, Some(StdStream::Stdout)) => s.silent = false,
        (_, None) => {}
    }
    if matches!(s.logfile, MainLog::Stream(_)) {
        s.logfile_maxbytes = 0;
    }
}

/// Rounds up; whether there was anything to round.
fn whole_seconds(ms: &mut i64) -> bool {
    let part = ms.rem_euclid(1000);
    if part != 0 {
        *ms = ms.saturating_add(1000 - part);
    }
    part != 0
}

#[cfg(test)]
mod tests {
    use crate::config::model::{Backoff, Config, LogTarget, MainLog, StdStream};
    use crate::config::print::{to_ini, to_json};
    use crate::config::testing::{findings, load_text, load_toml};
    use serde_json::json;

    /// The text, and what it is read as; our own `check` has nothing to say about it.
    fn through_ini(toml: &str) -> (String, Config) {
        let printed = to_ini(&load_toml(toml).expect("good").config, true);
        let load = || load_text("/e/s.conf", &printed, &[]);
        assert_eq!(findings(load()), [], "{printed}");
        let again = load().expect("good").config;
        (printed, again)
    }

    #[test]
    fn toml_means_the_same_in_ini_or_says_what_is_left_out() {
        let (printed, config) = through_ini("[program.w]\ncommand = \"sh -c 'echo hi; exec sleep 9'\"\n");
        let json = to_json(&config, true);
        let s = &json["supervisord"];
        assert_eq!(
            [&s["logfile"], &s["logfile_maxbytes"], &s["silent"], &s["nodaemon"]],
            [&json!("/dev/stderr"), &json!(0), &json!(true), &json!(true)],
            "{printed}"
        );
        assert_eq!(config.supervisor.log_stream, None);
        let process = &json["groups"][0]["processes"][0];
        for (stream, path) in [("stdout", "/dev/stdout"), ("stderr", "/dev/stderr")] {
            assert_eq!(process[format!("{stream}_logfile")], path, "{printed}");
            assert_eq!(process[format!("{stream}_logfile_maxbytes")], 0, "{printed}");
        }
        assert!(printed.contains("# left out: that no pidfile is written"), "{printed}");
        // The wait before a restart is ours, and said.
        assert!(config.processes().all(|p| p.backoff == Backoff::CONTAINER), "{printed}");
        assert!(!printed.contains("/dev/null"), "{printed}");
    }

    #[test]
    fn what_ini_can_say_is_not_called_left_out() {
        let (printed, config) = through_ini(
            "[supervisor]\nlogfile = \"/var/log/m.log\"\npidfile = \"/run/m.pid\"\nsilent = true\n\
             [program.w]\ncommand = \"x\"\nstdout_logfile = \"/var/log/w\"\nstopwaitsecs = 3\n",
        );
        assert_eq!(printed.matches("# left out").count(), 0, "{printed}");
        let program = config.processes().next().expect("one");
        assert_eq!(program.stdout.target, LogTarget::File("/var/log/w".into()));
        assert_eq!((program.stdout.maxbytes, program.stderr.maxbytes), (50 << 20, 0));
        assert_eq!(config.supervisor.logfile_maxbytes, 50 << 20);
    }

    #[test]
    fn a_copy_on_stderr_and_parts_of_a_second_are_left_out_aloud() {
        let (printed, config) = through_ini(
            "[supervisor]\nlogfile = \"/dev/stdout\"\n[program.w]\ncommand = \"x\"\nstartsecs = \"1500ms\"\n",
        );
        assert_eq!(config.supervisor.logfile, MainLog::Stream(StdStream::Stdout));
        assert_eq!((config.supervisor.logfile_maxbytes, config.supervisor.silent), (0, true));
        assert!(printed.contains("# left out: the copy of the daemon's log on stderr\n"), "{printed}");
        assert!(printed.contains("# left out: parts of a second in"), "{printed}");
        assert_eq!(config.processes().next().map(|p| p.startsecs_ms), Some(2000));
    }
}
