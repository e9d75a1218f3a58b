//! Whether two answers are the same, and the whole list of what may differ on purpose.
//!
//! Pure. Invariant: a difference that no entry of [`RULES`] names is a failure; what [`neutral`] takes away is what one of
//! the two models cannot say at all. Not here: asking for the answers (`theirs`, `ours`).

use serde_json::{Value, json};

/// How two answers compare.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// The same effective values, or the same reason for a refusal.
    Same { accepted: bool },
    /// The name of the rule that allows the difference.
    OnPurpose(&'static str),
    /// What differs, line by line.
    Different(Vec<String>),
}

/// A difference that we want.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    /// Trap of the contract's section 10, and the reason.
    pub(crate) why: &'static str,
    /// Whether it explains why the answers differ: theirs, ours, and their words for a refusal (empty if none).
    applies: fn(&Value, &Value, &str, &str) -> bool,
}

/// Everything that may differ.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: "bare-percent-s",
        why: "trap 3: `%s` without a name prints the whole environment; we refuse it",
        applies: |_, _, _, ours| ["s", "r", "a"].iter().any(|c| ours.contains(&format!("%{c} needs a name"))),
    },
    Rule {
        name: "one-double-percent",
        why: "traps 4 and 5: where Supervisor expands twice, one `%%` is enough for us",
        applies: |_, _, theirs, _| {
            ["'stdout_logfile'", "'stderr_logfile'"].iter().any(|k| theirs.contains(&format!(" for {k} ")))
                || (theirs.contains(" for 'environment' ") && !theirs.contains(" in section '"))
        },
    },
    Rule {
        name: "process-name",
        why: "trap 12: an empty name, and one that expansion gives blanks, `:` or `/`, is refused",
        applies: |_, _, _, ours| {
            ours.starts_with("Invalid name: ") && !ours.contains(" because of character: ")
        },
    },
    Rule {
        name: "python-plug-in",
        why: "Python plug-ins cannot be loaded",
        applies: |theirs, _, words, ours| {
            ours.contains(" cannot be resolved within [")
                && (theirs["ok"] == true || words.is_empty() || words != ours)
        },
    },
    Rule {
        name: "built-in-plug-in",
        why: "supervisor_stdout's handler is built in, and Python need not be able to import it",
        applies: |_, _, words, ours| {
            words.starts_with("supervisor_stdout:event_handler cannot be resolved within [eventlistener:")
                && words != ours
        },
    },
    Rule {
        name: "unknown-host",
        why: "a listener's host is resolved when the file is read, not when the port is opened",
        applies: |_, _, _, ours| {
            ours.starts_with("unknown host ") || ours.starts_with("not a valid IPv6 address")
        },
    },
    Rule {
        name: "too-many",
        why: "more than 10,000 processes of one section are refused",
        applies: |_, _, theirs, ours| {
            theirs == "too many processes" && ours.contains("is above upper bound (10000)")
        },
    },
    Rule {
        name: "64-bits",
        why: "a number beyond 64 bits is the nearest one that has them, which shows where it is written out",
        applies: |_, ours, _, _| ours.to_string().contains("922337203685477580"),
    },
    Rule {
        name: "event-order",
        why: "of several unknown events Supervisor names any one, we the first by name",
        applies: |_, _, theirs, ours| [theirs, ours].iter().all(|w| w.starts_with("Unknown event type ")),
    },
    Rule {
        name: "nul",
        why: "Python refuses a NUL in a path or a name in words of its own",
        applies: |_, ours, theirs, _| theirs.starts_with("embedded null") && ours["ok"] == false,
    },
    Rule {
        name: "width",
        why: "an expansion of more than 4,096 columns is refused",
        applies: |_, _, _, ours| ours.contains("width too big") || ours.contains("precision too big"),
    },
];

/// Compares what `theirs` and `ours` say.
pub(crate) fn compare(theirs: &Value, ours: &Value) -> Verdict {
    let words = |answer: &Value| answer["error"].as_str().unwrap_or_default().to_owned();
    let (their_words, our_words) = (words(theirs), words(ours));
    let (their_ok, our_ok) = (theirs["ok"] == true, ours["ok"] == true);
    let mut found = Vec::new();
    match (their_ok, our_ok) {
        (true, true) => diff("", &neutral(theirs.clone()), &neutral(ours.clone()), &mut found),
        // The daemon ends with a traceback; that we refuse is enough.
        (false, false) if theirs["exception"].is_string() => {}
        (false, false) if first_line(&their_words) == first_line(&our_words) => {}
        _ => {
            found.push(format!("theirs: {}\n  ours: {}", said(theirs, &their_words), said(ours, &our_words)))
        }
    }
    if found.is_empty() {
        return Verdict::Same { accepted: their_ok };
    }
    let rule = RULES.iter().find(|r| (r.applies)(theirs, ours, &their_words, &our_words));
    rule.map_or(Verdict::Different(found), |rule| Verdict::OnPurpose(rule.name))
}

/// What differs between what a configuration meant and what is made of it when it was printed, if anything does.
pub(crate) fn printed(meant: &Value, again: &Value) -> Option<String> {
    let without_notes = |answer: &Value| {
        let mut value = neutral(answer.clone());
        ["criticals", "warnings", "infos"].iter().for_each(|key| remove(&mut value, key));
        value
    };
    if again["ok"] != true {
        return Some(said(again, again["error"].as_str().unwrap_or_default()));
    }
    let mut found = Vec::new();
    diff("", &without_notes(meant), &without_notes(again), &mut found);
    (!found.is_empty()).then(|| found.join("\n"))
}

/// What tools see: Supervisor's `Error: ` line. The names of all variables at its end depend on the machine.
fn first_line(words: &str) -> &str {
    words.lines().next().unwrap_or_default()
}

fn said(answer: &Value, words: &str) -> String {
    if answer["ok"] == true {
        return "accepted".to_owned();
    }
    let exception = answer["exception"].as_str().map(|e| format!(" ({e})")).unwrap_or_default();
    format!("refused{exception}: {words}")
}

/// Takes away what only one of the two models has.
fn neutral(mut value: Value) -> Value {
    for key in ["mainstay", "shown"] {
        remove(&mut value, key);
    }
    let supervisord = &mut value["supervisord"];
    // Normalized at once, and the default directory for AUTO files is chosen when the daemon runs.
    for key in ["logfile", "pidfile"] {
        remove(supervisord, key);
    }
    stream(&mut supervisord["logfile_normalized"]);
    if supervisord["childlogdir"].is_null() {
        supervisord["childlogdir"] = json!("/tmp");
    }
    let groups = value["groups"].as_array_mut().into_iter().flatten();
    for process in groups.filter_map(|g| g["processes"].as_array_mut()).flatten() {
        remove(process, "user");
        remove(process, "stopsignal_name");
        for key in ["startsecs", "stopwaitsecs"] {
            seconds(&mut process[key]);
        }
    }
    value
}

fn remove(value: &mut Value, key: &str) {
    if let Value::Object(map) = value {
        map.remove(key);
    }
}

/// We know a stream by its descriptor, whatever path named it.
fn stream(value: &mut Value) {
    for (name, path) in [("/dev/stdout", "/dev/fd/1"), ("/dev/stderr", "/dev/fd/2")] {
        if value == path || *value == path.replace("/dev/fd/", "/proc/self/fd/") {
            *value = json!(name);
        }
    }
}

/// Hundreds of millions of years: we count in milliseconds.
fn seconds(value: &mut Value) {
    const LONGEST: f64 = 9e15;
    let Some(number) = value.as_f64() else { return };
    if number.abs() >= LONGEST {
        *value = json!(if number < 0.0 { "long ago" } else { "never" });
    }
}

fn diff(path: &str, theirs: &Value, ours: &Value, out: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(t), Value::Object(o)) => {
            for key in t.keys().chain(o.keys().filter(|k| !t.contains_key(*k))) {
                match (t.get(key), o.get(key)) {
                    (Some(t), Some(o)) => diff(&format!("{path}.{key}"), t, o, out),
                    (t, _) => {
                        let who = if t.is_some() { "theirs" } else { "ours" };
                        out.push(format!("{path}.{key}: only in {who}"));
                    }
                }
            }
        }
        (Value::Array(t), Value::Array(o)) if t.len() == o.len() => {
            t.iter().zip(o).enumerate().for_each(|(i, (t, o))| diff(&format!("{path}[{i}]"), t, o, out));
        }
        _ if theirs == ours => {}
        _ => out.push(format!("{path}: theirs {theirs}, ours {ours}")),
    }
}
