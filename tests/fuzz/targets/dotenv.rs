//! Files of variables: whatever is in them, names can be given to a program, and an error tells nothing of the content.

use super::{Target, ensure};
use crate::rng::Rng;
use mainstay::spawn::dotenv;

pub(super) struct Dotenv;

const PIECES: [&str; 16] = [
    "A=1",
    "\n",
    "export ",
    "NAME",
    "=",
    "'",
    "\"",
    "\\",
    "#",
    " ",
    "\r\n",
    "zq7marker",
    "ä",
    "\0",
    "B='x\ny'",
    "C=\"\\n\"",
];

const LINES: [&str; 9] = [
    "A=1",
    "export B = two words # zq7marker",
    "C='x\ny' # c",
    "D=\"\\n\\\"\"",
    "# comment",
    "",
    "LONG_NAME.1=a=b",
    "E=",
    "F=it's",
];

impl Target for Dotenv {
    fn name(&self) -> &'static str {
        "dotenv"
    }

    fn quick_cases(&self) -> u64 {
        2_000
    }

    fn generate(&self, rng: &mut Rng) -> Vec<u8> {
        let n = rng.below(6);
        let mut out = Vec::new();
        for _ in 0..n {
            // Mostly whole lines; now and then anything at all.
            let line = LINES[rng.below(LINES.len())];
            if rng.below(6) > 0 {
                out.extend(line.bytes().chain([b'\n']));
            } else {
                out.extend((0..rng.below(6)).flat_map(|_| PIECES[rng.below(PIECES.len())].bytes()));
            }
        }
        out
    }

    fn check(&self, input: &[u8]) -> Result<bool, String> {
        let variables = match dotenv::parse(input) {
            Ok(variables) => variables,
            Err(why) => {
                ensure(!why.contains("zq7"), || format!("the content is told: {why}"))?;
                ensure(why.starts_with("line "), || format!("no line is named: {why}"))?;
                return Ok(false);
            }
        };
        for (name, value) in &variables {
            ensure(!name.is_empty() && !name.contains(['=', '\0', '\n', ' ']), || {
                format!("no name: {name:?}")
            })?;
            ensure(!value.contains(&0), || "a zero byte in a value".into())?;
            ensure(value.len() <= input.len(), || "more comes out than went in".into())?;
        }
        // What is written in single quotes comes back as it is.
        let again: String = variables
            .iter()
            .filter(|(_, value)| !value.contains(&b'\''))
            .map(|(name, value)| format!("{name}='{}'\n", String::from_utf8_lossy(value)))
            .collect();
        let read =
            dotenv::parse(again.as_bytes()).map_err(|why| format!("what was read cannot be read: {why}"))?;
        let same = variables
            .iter()
            .filter(|(_, value)| !value.contains(&b'\''))
            .zip(&read)
            .all(|(a, b)| a.0 == b.0 && String::from_utf8_lossy(&a.1) == String::from_utf8_lossy(&b.1));
        ensure(same, || "what was read is something else the second time".into())?;
        Ok(!variables.is_empty())
    }
}
