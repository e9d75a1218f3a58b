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
            Sample::Env => include_str!("../../samples/mainstay.env"),
            Sample::Docker => include_str!("../../docker/Dockerfile.example"),
            Sample::K8s => include_str!("../../k8s/deployment.yaml"),
        }
    }
}

/// Print a commented example: ini, toml, env, docker or k8s
#[derive(Clone, Debug, clap::Args)]
pub struct SampleArgs {
    /// Which one
    #[arg(value_enum, default_value = "toml")]
    pub what: Sample,
}

/// Writes the sample to `out`.
pub fn run(args: &SampleArgs, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(args.what.text().as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::raw::SectionKind;
    use crate::config::{from_env, from_toml};
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
            ("env", "MAINSTAY_PROGRAM__WEB="),
            ("docker", "ENTRYPOINT"),
            ("k8s", "kind: Deployment"),
        ] {
            assert!(printed(&[word]).contains(sign), "{word}");
        }
        assert_eq!(printed(&[]), printed(&["toml"]));
        assert_eq!(Sample::value_variants().len(), 5);
    }

    #[test]
    fn the_toml_samples_can_be_read() {
        for text in [DEMO, Sample::Toml.text()] {
            let (raw, found) = from_toml::read("sample", text, &|_| None);
            assert_eq!(found.items, []);
            assert!(raw.sections.iter().filter(|s| s.kind == SectionKind::Program).count() >= 2);
        }
    }

    #[test]
    fn the_environment_sample_can_be_read_with_its_comments_taken_off() {
        let vars: Vec<_> = Sample::Env
            .text()
            .lines()
            .map(|line| line.strip_prefix('#').unwrap_or(line))
            .filter(|line| line.starts_with(from_env::PREFIX))
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        let (raw, found) = from_env::read(&vars);
        assert_eq!(found.items, []);
        assert_eq!(vars.len(), 9);
        assert_eq!(raw.sections.len(), 6);
    }
}
