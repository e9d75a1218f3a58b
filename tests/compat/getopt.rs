//! Many generated command lines: our reader and Python's getopt, with supervisord's own options, say the same.

use crate::support::skipped;
use harness::{Cmd, bins};
use mainstay::cli::getopt::{Opt, read};

/// Prints the options that Supervisor has; then, for each line of words, what getopt makes of it.
const SCRIPT: &str = "import getopt, sys
from supervisor.options import ServerOptions
options = ServerOptions()
print('\\x1f'.join(options.short_options))
print('\\x1f'.join(options.long_options))
for line in sys.stdin.buffer.read().decode().split('\\n'):
    try:
        found, rest = getopt.getopt(line.split('\\x1f'), ''.join(options.short_options), options.long_options)
        print('\\x1f'.join([name + ' ' + value for name, value in found] + ['|'] + rest))
    except getopt.error as why:
        print(why)
";

const PIECES: &[&str] = &[
    "-",
    "--",
    "-",
    "--",
    "c",
    "n",
    "s",
    "m",
    "t",
    "h",
    "?",
    "x",
    "no",
    "nod",
    "nodaemon",
    "log",
    "logfile",
    "_max",
    "conf",
    "configuration",
    "min",
    "minfds",
    "str",
    "user",
    "=",
    "=",
    "1",
    "a b",
    "é",
    "profile",
    "v",
    "i",
];

/// Lines of words, always the same ones.
fn lines() -> Vec<Vec<String>> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut below = |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap_or(0) % n
    };
    let mut word = || {
        let first = ["-", "--", "--", ""][below(4)];
        let more = 1 + below(3);
        (0..more).fold(first.to_owned(), |word, _| word + PIECES[below(PIECES.len())])
    };
    (0..5000).map(|n| (0..1 + n % 5).map(|_| word()).collect()).collect()
}

fn ours(words: &[String], table: &[Opt]) -> String {
    match read(words, table) {
        Err(why) => why,
        Ok((found, rest)) => {
            let found = found.iter().map(|f| format!("{} {}", f.spelled, f.value));
            found.chain(["|".to_owned()]).chain(rest).collect::<Vec<_>>().join("\u{1f}")
        }
    }
}

/// Supervisor gives its options as getopt wants them: `c:` and `configuration=`, in two lists.
fn table(short: &str, long: &str) -> Vec<Opt> {
    let takes_value = |text: &str| text.ends_with([':', '=']);
    let shorts = short.split('\u{1f}').map(|s| {
        let letter = s.chars().next().unwrap_or('\0');
        Opt { short: letter, long: "", takes_value: takes_value(s) }
    });
    let longs = long.split('\u{1f}').map(|l| {
        let word: &'static str = Box::leak(l.trim_end_matches('=').to_owned().into_boxed_str());
        Opt { short: '\0', long: word, takes_value: takes_value(l) }
    });
    shorts.chain(longs).collect()
}

#[test]
fn five_thousand_command_lines_are_read_alike() {
    if skipped() {
        return;
    }
    let lines = lines();
    let input: Vec<String> = lines.iter().map(|words| words.join("\u{1f}")).collect();
    let python = bins::venv("python3").expect("skipped() has looked");
    let done = Cmd::new(&[&python, "-c", SCRIPT]).stdin(&input.join("\n")).env("PYTHONUTF8", "1").run();
    let mut said = done.expect(0).stdout.lines();
    let table = table(said.next().expect("letters"), said.next().expect("words"));
    let theirs: Vec<&str> = said.collect();
    assert_eq!(theirs.len(), lines.len());
    let mut refused = 0;
    for (words, theirs) in lines.iter().zip(theirs) {
        assert_eq!(ours(words, &table), theirs, "{words:?}");
        refused += usize::from(theirs.starts_with("option "));
    }
    assert!((500..4500).contains(&refused), "both kinds occur: {refused}");
}
