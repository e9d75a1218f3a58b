//! The command line: our own options, and those that `cargo test` hands to every test binary.

use std::path::PathBuf;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// A fixed number of cases of each target.
    Quick,
    /// Each target for so many seconds.
    Timed(u64),
    /// One input again.
    Replay(PathBuf),
    /// What `cargo test -- --list` shows.
    List,
}

#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) mode: Mode,
    /// `None`: the mode's own.
    pub(crate) seed: Option<u64>,
    /// Exact names; empty: all.
    targets: Vec<String>,
    /// Parts of names, as in `cargo test FILTER`; empty: all.
    filters: Vec<String>,
    skipped: Vec<String>,
}

impl Args {
    pub(crate) fn read(args: impl Iterator<Item = String>, names: &[&str]) -> Result<Args, String> {
        let (targets, filters, skipped) = (Vec::new(), Vec::new(), Vec::new());
        let mut read = Args { mode: Mode::Quick, seed: None, targets, filters, skipped };
        let mut args = args.flat_map(|arg| match arg.split_once('=') {
            Some((option, value)) if option.starts_with("--") => vec![option.to_owned(), value.to_owned()],
            _ => vec![arg],
        });
        while let Some(arg) = args.next() {
            let mut value =
                || args.next().ok_or_else(|| format!("cannot read `{arg}`: its value is missing"));
            match arg.as_str() {
                "--seconds" => read.mode = Mode::Timed(number(&value()?)?),
                "--seed" => read.seed = Some(number(&value()?)?),
                "--replay" => read.mode = Mode::Replay(value()?.into()),
                "--list" => read.mode = Mode::List,
                "--target" => {
                    let target = value()?;
                    if !names.contains(&target.as_str()) {
                        return Err(format!("cannot find target `{target}`: there are {}", names.join(", ")));
                    }
                    read.targets.push(target);
                }
                "--skip" => read.skipped.push(value()?),
                "--test-threads" | "--color" | "--format" | "--logfile" | "-Z" => drop(value()?),
                option if option.starts_with('-') => {}
                filter => read.filters.push(filter.to_owned()),
            }
        }
        if matches!(read.mode, Mode::Replay(_)) && read.targets.len() != 1 {
            return Err("cannot replay: name the target, `--target ini --replay FILE`".to_owned());
        }
        Ok(read)
    }

    pub(crate) fn chooses(&self, name: &str) -> bool {
        let any = |parts: &[String]| parts.iter().any(|part| name.contains(part.as_str()));
        (self.targets.is_empty() || self.targets.iter().any(|t| t == name))
            && (self.filters.is_empty() || any(&self.filters))
            && !any(&self.skipped)
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("cannot read `{text}`: it is no number"))
}
