//! Command lines: whatever the words, options and words come out in order, or a sentence of Python's.

use super::{Target, ensure};
use crate::rng::Rng;
use mainstay::cli::getopt::{Opt, read};

pub(super) struct Getopt;

const TABLE: &[Opt] = &[
    Opt { short: 'c', long: "configuration", takes_value: true },
    Opt { short: 'n', long: "nodaemon", takes_value: false },
    Opt { short: 'k', long: "nocleanup", takes_value: false },
    Opt { short: 'l', long: "logfile", takes_value: true },
    Opt { short: 'y', long: "logfile_maxbytes", takes_value: true },
    Opt { short: '\0', long: "minprocs", takes_value: true },
    Opt { short: '?', long: "", takes_value: false },
];

/// Stands in front of each word.
const BETWEEN: char = '\u{1f}';

impl Target for Getopt {
    fn name(&self) -> &'static str {
        "getopt"
    }

    fn quick_cases(&self) -> u64 {
        2_000
    }

    fn generate(&self, rng: &mut Rng) -> Vec<u8> {
        let pieces = [
            "-", "--", "c", "n", "k", "x", "no", "nod", "logfile", "_max", "conf", "min", "=", "?", "é", "\0",
        ];
        let good =
            ["-n", "-nk", "-c", "-cx", "--conf=x", "--logfile", "--min=3", "--nodaemon", "x", "--", "-?"];
        let mut text = String::new();
        for _ in 0..rng.below_few(8, 40) {
            if rng.percent(85) {
                text.push(BETWEEN);
                text.push_str(rng.pick(&good));
            } else {
                text.push_str(rng.pick(&pieces));
            }
        }
        text.into_bytes()
    }

    fn check(&self, input: &[u8]) -> Result<bool, String> {
        let text = String::from_utf8_lossy(input);
        let words: Vec<String> = text.split(BETWEEN).skip(1).map(str::to_owned).collect();
        let (found, rest) = match read(&words, TABLE) {
            Ok(read) => read,
            Err(why) => {
                let known = [
                    "not recognized",
                    "not a unique prefix",
                    "requires argument",
                    "must not have an argument",
                ];
                let is_pythons = why.starts_with("option -") && known.iter().any(|end| why.ends_with(end));
                ensure(is_pythons, || format!("the sentence is not Python's: {why}"))?;
                return Ok(false);
            }
        };
        ensure(words.ends_with(&rest), || "the rest is not the end of the words".into())?;
        let read = words.get(..words.len() - rest.len()).unwrap_or_default();
        let first = rest.first().filter(|_| read.last().is_none_or(|word| word != "--"));
        ensure(first.is_none_or(|w| !w.starts_with('-') || w == "-"), || "an option was not read".into())?;
        for found in &found {
            let option = TABLE.get(found.index).ok_or("an option that is not in the table")?;
            let names = [format!("-{}", option.short), format!("--{}", option.long)];
            ensure(names.contains(&found.spelled), || format!("another name: {}", found.spelled))?;
            let is_given = read.iter().any(|word| word.ends_with(&found.value));
            ensure(is_given, || "a value that nobody gave".into())?;
            ensure(option.takes_value || found.value.is_empty(), || "a value of a flag".into())?;
        }
        Ok(true)
    }
}
