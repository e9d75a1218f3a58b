//! Options as Python's `getopt` reads them, on which supervisord's command line stands.
//!
//! Pure. Invariants: reading stops at the first word that is no option, or behind `--`; a long option may be cut to
//! any prefix that only it has; what is refused is refused in Python's words. Not here: what an option means.

/// One option of a table.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// Its letter; `'\0'` where it has none.
    pub short: char,
    /// Its word; empty where it has none.
    pub long: &'static str,
    /// Whether a value follows.
    pub takes_value: bool,
}

/// An option that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Its place in the table.
    pub index: usize,
    /// `-n`, or the whole word behind `--` however it was cut.
    pub spelled: String,
    /// Empty where it takes none.
    pub value: String,
}

/// Splits `words` into options and what comes behind them.
///
/// # Errors
/// Python's sentence about the first mistake.
pub fn read(words: &[String], table: &[Opt]) -> Result<(Vec<Found>, Vec<String>), String> {
    let mut rest = words.iter();
    let mut found = Vec::new();
    while let Some(word) = rest.as_slice().first() {
        let Some(body) = word.strip_prefix('-').filter(|body| !body.is_empty()) else { break };
        rest.next();
        match body.strip_prefix('-') {
            Some("") => break,
            Some(long) => found.push(read_long(long, table, &mut rest)?),
            None => read_letters(body, table, &mut rest, &mut found)?,
        }
    }
    Ok((found, rest.cloned().collect()))
}

type Rest<'a> = std::slice::Iter<'a, String>;

fn read_long(body: &str, table: &[Opt], rest: &mut Rest<'_>) -> Result<Found, String> {
    let (name, given) = body.split_once('=').map_or((body, None), |(name, value)| (name, Some(value)));
    let longs = || table.iter().enumerate().filter(|(_, o)| !o.long.is_empty());
    let mut starting = longs().filter(|(_, o)| o.long.starts_with(name));
    let exact = longs().find(|(_, o)| o.long == name);
    let (index, option) = match (exact, starting.next(), starting.next()) {
        (Some(exact), ..) | (None, Some(exact), None) => exact,
        (None, None, _) => return Err(format!("option --{name} not recognized")),
        (None, Some(_), Some(_)) => return Err(format!("option --{name} not a unique prefix")),
    };
    let spelled = format!("--{}", option.long);
    let value = match (option.takes_value, given) {
        (true, Some(value)) => value.to_owned(),
        (true, None) => rest.next().cloned().ok_or_else(|| format!("option {spelled} requires argument"))?,
        (false, None) => String::new(),
        (false, Some(_)) => return Err(format!("option {spelled} must not have an argument")),
    };
    Ok(Found { index, spelled, value })
}

/// `-nc FILE`: letters in one word; the first that takes a value has the rest of the word, or the next word.
fn read_letters(
    body: &str,
    table: &[Opt],
    rest: &mut Rest<'_>,
    found: &mut Vec<Found>,
) -> Result<(), String> {
    let mut letters = body.chars();
    while let Some(letter) = letters.next() {
        let is_it = |o: &Opt| o.short == letter && letter != '\0';
        let Some(index) = table.iter().position(is_it) else {
            return Err(format!("option -{letter} not recognized"));
        };
        let spelled = format!("-{letter}");
        let mut value = String::new();
        if table.get(index).is_some_and(|o| o.takes_value) {
            value = letters.by_ref().collect();
            if value.is_empty() {
                value = rest.next().cloned().ok_or_else(|| format!("option {spelled} requires argument"))?;
            }
        }
        found.push(Found { index, spelled, value });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Opt] = &[
        Opt { short: 'c', long: "configuration", takes_value: true },
        Opt { short: 'n', long: "nodaemon", takes_value: false },
        Opt { short: 'k', long: "nocleanup", takes_value: false },
        Opt { short: 'l', long: "logfile", takes_value: true },
        Opt { short: 'y', long: "logfile_maxbytes", takes_value: true },
        Opt { short: '\0', long: "minprocs", takes_value: true },
        Opt { short: '?', long: "", takes_value: false },
    ];

    fn shown(line: &str) -> String {
        let words: Vec<String> = line.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect();
        match read(&words, TABLE) {
            Err(why) => why,
            Ok((found, rest)) => {
                let found: Vec<String> = found.iter().map(|f| format!("{}={}", f.spelled, f.value)).collect();
                format!("{} | {}", found.join(" "), rest.join(" "))
            }
        }
    }

    #[test]
    fn pythons_getopt_reads_the_same() {
        for (line, want) in [
            ("", " | "),
            ("-n -c x", "-n= -c=x | "),
            ("-ncx", "-n= -c=x | "),
            ("-nc x", "-n= -c=x | "),
            ("-c -n", "-c=-n | "),
            ("-cx=y", "-c=x=y | "),
            ("--conf x", "--configuration=x | "),
            ("--conf=x", "--configuration=x | "),
            ("--configuration=", "--configuration= | "),
            ("--logfile x", "--logfile=x | "),
            ("--min=3", "--minprocs=3 | "),
            ("x -n", " | x -n"),
            ("-n x -n", "-n= | x -n"),
            ("-n -- -n", "-n= | -n"),
            ("- -n", " | - -n"),
            ("-?", "-?= | "),
            ("-c", "option -c requires argument"),
            ("--conf", "option --configuration requires argument"),
            ("--nod=1", "option --nodaemon must not have an argument"),
            ("--nodaemon=", "option --nodaemon must not have an argument"),
            ("--no", "option --no not a unique prefix"),
            ("--log x", "option --log not a unique prefix"),
            ("--=x", "option -- not a unique prefix"),
            ("--bogus=1", "option --bogus not recognized"),
            ("-nx", "option -x not recognized"),
            ("-n\0", "option -\0 not recognized"),
        ] {
            assert_eq!(shown(line), want, "{line}");
        }
    }
}
