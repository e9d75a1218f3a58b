//! What Tab offers.
//!
//! Pure. COMPAT: the same words as supervisorctl, the blank behind each included. Not here: how they are put into the
//! line (`editor`), asking the server (`shell`).

use crate::ctl::help::{COMMANDS, Takes, command};
use crate::gateway::rpc::value::Value;
use crate::types::sort_by;

/// What the word under the cursor names.
pub(crate) fn wanted(line: &str) -> Takes {
    let mut words = line.split_whitespace();
    let Some(first) = words.next() else { return Takes::Commands };
    if words.next().is_none() && !line.ends_with(' ') {
        return Takes::Commands;
    }
    command(first).map_or(Takes::Nothing, |c| c.takes)
}

/// The candidates for a word, from the answer of `getAllProcessInfo`.
pub(crate) fn candidates(takes: Takes, word: &str, processes: &[Value], with_ours: bool) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let text = |p: &Value, member| p.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    match takes {
        Takes::Nothing => {}
        Takes::Commands => {
            all.extend(COMMANDS.iter().filter(|c| with_ours || !c.ours).map(|c| c.name.to_owned()));
        }
        Takes::Groups => all.extend(processes.iter().map(|p| text(p, "group"))),
        Takes::Processes => {
            for process in processes {
                let (group, name) = (text(process, "group"), text(process, "name"));
                if word.contains(':') || group != name {
                    all.push(format!("{group}:{name}"));
                    all.push(format!("{group}:*"));
                } else {
                    all.push(name);
                }
            }
        }
    }
    all.retain(|candidate| candidate.starts_with(word));
    sort_by(&mut all, &|a, b| a.cmp(b));
    all.dedup();
    all.iter_mut().for_each(|candidate| candidate.push(' '));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(line: &str, word: &str) -> String {
        let process = |group: &str, name: &str| {
            Value::Struct(vec![("group".into(), Value::text(group)), ("name".into(), Value::text(name))])
        };
        let all = [process("web", "web"), process("w", "w0"), process("w", "w1"), process("db", "db")];
        candidates(wanted(line), word, &all, false).join("|")
    }

    #[test]
    fn tab_offers_what_supervisorctl_offers() {
        for (line, word, want) in [
            ("sta", "sta", "start |status "),
            ("re", "re", "reload |remove |reread |restart "),
            ("help st", "st", "start |status |stop "),
            ("start ", "", "db |w:* |w:w0 |w:w1 |web "),
            ("start we", "we", "web "),
            ("start web:", "web:", "web:* |web:web "),
            ("start web d", "d", "db "),
            ("signal HUP w", "w", "w:* |w:w0 |w:w1 |web "),
            ("update ", "", "db |w |web "),
            ("remove w", "w", "w |web "),
            ("avail ", "", ""),
            ("nosuch ", "", ""),
        ] {
            assert_eq!(offered(line, word), want, "{line:?}");
        }
        let theirs = COMMANDS.iter().filter(|c| !c.ours).count();
        assert_eq!(offered("", "").matches('|').count(), theirs - 1);
    }
}
