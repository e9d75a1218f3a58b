//! The commands: their names, what Tab completes behind them, and what `help` says.
//!
//! Pure. Invariant: this table is the only list of commands. COMPAT: the forms on the left of each line are
//! supervisorctl's, and so is the layout of the list; the sentences are ours. Not here: what a command does (`commands`).

/// What the words behind a command name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Takes {
    Nothing,
    Commands,
    Groups,
    Processes,
}

/// One command.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
    /// Supervisor's, or one of ours: listed apart, and not at all by the face `supervisorctl`.
    pub(crate) ours: bool,
    pub(crate) text: &'static str,
}

const fn row(name: &'static str, takes: Takes, text: &'static str) -> Command {
    Command { name, takes, ours: false, text }
}

const fn own(name: &'static str, takes: Takes, text: &'static str) -> Command {
    Command { name, takes, ours: true, text }
}

/// In the order of `help`, which is the alphabet's.
pub(crate) const COMMANDS: &[Command] = &[
    row("add", Takes::Groups, "add <name> [...]\tStart to supervise groups that the last reread has found"),
    row("avail", Takes::Nothing, "avail\t\t\tEvery configured process, its start and its priorities"),
    row(
        "clear",
        Takes::Processes,
        "clear <name>\t\tEmpty the logs of a process\nclear <name> <name>\tEmpty the logs of several processes\n\
         clear all\t\tEmpty the logs of all processes",
    ),
    own(
        "drain",
        Takes::Nothing,
        "drain\t\t\tNot ready from now on: /readyz says 503, nothing is stopped\n\
         drain --wait\t\tThe same, and come back when drain_delay is over: for a preStop hook\n\
         drain --cancel\t\tAs ready as the programs are",
    ),
    own(
        "events",
        Takes::Nothing,
        "events\t\t\tFollow what happens until Ctrl-C; without TICK and PROCESS_LOG\n\
         events <type> <type>\tOnly these: EVENT is all, PROCESS_STATE all changes of state",
    ),
    row("exit", Takes::Nothing, "exit\tLeave the shell"),
    own(
        "explain",
        Takes::Processes,
        "explain <name>\t\tWhy a process is as it is: how it has ended, and what happens next\n\
         explain <gname>:*\tThe same for the processes of a group\n\
         explain\t\t\tThe same for all",
    ),
    row(
        "fg",
        Takes::Processes,
        "fg <process>\tSee what a process writes, and type to it\n\t\tCtrl-C leaves it running",
    ),
    row("help", Takes::Commands, "help\t\tThe list of commands\nhelp <action>\tWhat a command does"),
    row(
        "maintail",
        Takes::Nothing,
        "maintail -f \tFollow the daemon's log until Ctrl-C\nmaintail -100\tThe last 100 bytes of the daemon's log\n\
         maintail\tThe last 1600 bytes of the daemon's log\n",
    ),
    row(
        "open",
        Takes::Nothing,
        "open <url>\tTalk to another server from now on: http://host:port\n\t\tor unix:///path of its socket",
    ),
    row(
        "pid",
        Takes::Processes,
        "pid\t\t\tThe process id of the daemon\npid <name>\t\tThe process id of a process\n\
         pid all\t\t\tThe process ids of all processes, one per line",
    ),
    own(
        "plan",
        Takes::Groups,
        "plan\t\t\tWhat an update would change, setting by setting; changes nothing\n\
         plan <gname> [...]\tThe same for these groups only",
    ),
    row("quit", Takes::Nothing, "quit\tLeave the shell"),
    row("reload", Takes::Nothing, "reload \t\tStop everything and start again from the configuration"),
    row("remove", Takes::Groups, "remove <name> [...]\tSupervise stopped groups no longer"),
    row(
        "reread",
        Takes::Nothing,
        "reread \t\t\tRead the configuration and say what is different; change nothing",
    ),
    row(
        "restart",
        Takes::Processes,
        "restart <name>\t\tStop and start a process\nrestart <gname>:*\tStop and start a whole group\n\
         restart <name> <name>\tStop several, then start them\nrestart all\t\tStop all, then start all\n\
         Note: the configuration is not read again; `reread` and `update` do that.",
    ),
    row("shutdown", Takes::Nothing, "shutdown \tStop everything and end the daemon"),
    row(
        "signal",
        Takes::Processes,
        "signal <signal name> <name>\t\tSend a signal to a process\n\
         signal <signal name> <gname>:*\t\tSend it to a whole group\n\
         signal <signal name> <name> <name>\tSend it to several\n\
         signal <signal name> all\t\tSend it to all",
    ),
    row(
        "start",
        Takes::Processes,
        "start <name>\t\tStart one\nstart <gname>:*\t\tStart a whole group\n\
         start <name> <name>\tStart several\nstart all\t\tStart all",
    ),
    row(
        "status",
        Takes::Processes,
        "status <name>\t\tHow a process is\nstatus <gname>:*\tHow the processes of a group are\n\
         status <name> <name>\tHow several are\nstatus\t\t\tHow all are",
    ),
    row(
        "stop",
        Takes::Processes,
        "stop <name>\t\tStop one\nstop <gname>:*\t\tStop a whole group\n\
         stop <name> <name>\tStop several\nstop all\t\tStop all",
    ),
    row(
        "tail",
        Takes::Processes,
        "tail [-f] <name> [stdout|stderr] (stdout, if none is named)\nEx:\n\
         tail -f <name>\t\tFollow what a process writes on stdout\n\t\t\tuntil Ctrl-C.\n\
         tail -100 <name>\tThe last 100 bytes of its stdout\ntail <name> stderr\tThe last 1600 bytes of its stderr",
    ),
    own(
        "top",
        Takes::Nothing,
        "top\t\t\tA live table of all processes; ? shows its keys, q leaves\n\
         top -d <seconds>\tThe same, renewed so often\n\
         top -n <number>\t\tSo many tables as text; --once, and no terminal, mean one",
    ),
    row(
        "update",
        Takes::Groups,
        "update\t\t\tRead the configuration and apply what is different: changed groups are restarted\n\
         update all\t\tThe same\nupdate <gname> [...]\tThe same for these groups only",
    ),
    row("version", Takes::Nothing, "version\t\t\tThe version of the server"),
];

/// The command of that name.
pub(crate) fn command(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|c| c.name == name)
}

/// Whether a line only asks for help, for which no server is needed.
pub(crate) fn is_asked(line: &str) -> bool {
    let line = line.trim_start();
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or_default();
    first == "help" || line.starts_with('?') || (command(first).is_some() && words.any(is_flag))
}

/// Behind an action of ours these ask for its help. COMPAT: not as supervisorctl, to whom they are names.
pub(crate) fn is_flag(word: &str) -> bool {
    matches!(word, "-h" | "--help")
}

/// The end of the help of `mainstay ctl`: the names of all actions.
pub(crate) fn epilogue() -> String {
    let mut out = "Actions: ".to_owned();
    let mut room = 100 - out.len();
    for (n, command) in COMMANDS.iter().enumerate() {
        let separator = if n == 0 { "" } else { ", " };
        out.push_str(separator.trim_end());
        // The comma of the next one has to fit as well.
        if room < separator.len() + command.name.len() + 1 {
            out.push_str("\n  ");
            room = 98;
        } else {
            out.push_str(if n == 0 { "" } else { " " });
        }
        out.push_str(command.name);
        room = room.saturating_sub(separator.len() + command.name.len());
    }
    out.push_str("\n\n`mainstay ctl help ACTION` explains one.");
    out
}

/// What `help` says. COMPAT: one block for each who brings commands; `help` is not among them.
pub(crate) fn list(with_ours: bool) -> String {
    let mut out = String::new();
    for (title, ours) in [("default", false), ("mainstay", true)] {
        let names: Vec<&str> =
            COMMANDS.iter().filter(|c| c.ours == ours && c.name != "help").map(|c| c.name).collect();
        if names.is_empty() || (ours && !with_ours) {
            continue;
        }
        let header = format!("{title} commands (type help <topic>):");
        out.push_str(&format!("\n{header}\n{}\n{}\n", "=".repeat(header.len()), columns(&names, 79)));
    }
    out.pop();
    out
}

/// Words in columns, read downwards, in as few lines as fit. COMPAT: as Python's `cmd` lays them out. Each line ends
/// with a newline.
pub(crate) fn columns(words: &[&str], width: usize) -> String {
    let length = |word: &&str| word.chars().count();
    let mut rows = 1;
    let widths = loop {
        if rows >= words.len() {
            break vec![0];
        }
        let widths: Vec<usize> =
            words.chunks(rows).map(|column| column.iter().map(length).max().unwrap_or(0)).collect();
        if widths.iter().map(|w| w + 2).sum::<usize>() <= width + 2 {
            break widths;
        }
        rows += 1;
    };
    let mut out = String::new();
    for row in 0..rows.min(words.len()) {
        let line: Vec<String> = words
            .iter()
            .skip(row)
            .step_by(rows)
            .zip(&widths)
            .map(|(word, width)| format!("{word:<width$}"))
            .collect();
        out.push_str(&line.join("  "));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_laid_out_as_pythons() {
        let want = "\ndefault commands (type help <topic>):\n=====================================\n\
            add    exit      open  reload  restart   start   tail   \n\
            avail  fg        pid   remove  shutdown  status  update \n\
            clear  maintail  quit  reread  signal    stop    version\n";
        assert_eq!(list(false), want);
    }

    #[test]
    fn help_is_told_from_what_needs_a_server() {
        for line in ["help", "help top", " help x", "?", "?top", "top --help", "tail -f a -h", "stop --help"]
        {
            assert!(is_asked(line), "{line}");
        }
        for line in ["", "status", "helpme", "start help", "top -d 1", "nosuch --help", "status h"] {
            assert!(!is_asked(line), "{line}");
        }
    }

    #[test]
    fn the_epilogue_names_every_action_once() {
        let text = epilogue();
        let (names, explains) = text.split_once("\n\n").expect("two paragraphs");
        let names: Vec<_> =
            names.strip_prefix("Actions: ").expect("a head").split(',').map(str::trim).collect();
        assert_eq!(names, COMMANDS.iter().map(|c| c.name).collect::<Vec<_>>());
        assert!(text.lines().all(|l| l.len() <= 100) && text.lines().count() > 3, "{text}");
        assert_eq!(explains, "`mainstay ctl help ACTION` explains one.");
    }

    #[test]
    fn columns_take_as_few_lines_as_fit() {
        assert_eq!(columns(&["a", "b", "c"], 7), "a  b  c\n");
        assert_eq!(columns(&["a", "b", "c"], 6), "a  c\nb\n");
        assert_eq!(columns(&["aaaa", "bb", "c"], 3), "aaaa\nbb\nc\n");
        assert_eq!(columns(&[], 9), "");
    }

    #[test]
    fn commands_are_in_order_and_begin_their_help_with_their_name() {
        for ours in [false, true] {
            let names: Vec<_> = COMMANDS.iter().filter(|c| c.ours == ours).map(|c| c.name).collect();
            assert!(names.is_sorted(), "{names:?}");
        }
        assert!(COMMANDS.iter().all(|c| c.text.starts_with(c.name)));
    }
}
