//! Every command of supervisorctl in every form of its arguments, by the real one and by ours, each against either
//! server: the same text, the same exit code. What follows is prose of the original's, and ours has its own: the help of
//! a command (its forms are compared), and what Python says about an exception (that it is one is compared).

use crate::support::{Sup, header, setup, skipped};
use harness::{Cmd, Done, bins};
use std::os::unix::net::UnixListener;

const PROGRAMS: &str = "[program:up]\ncommand=cat\nstartsecs=0\nstdout_logfile=@dir@/up.log\n\
    [program:down]\ncommand=cat\nautostart=false\nstartsecs=0\n\
    [program:bad]\ncommand=/no/such/file\nautostart=false\nstartretries=0\n\
    [program:brief]\ncommand=@puppet@ exit 3\nautostart=false\nstartretries=0\n\
    [program:w]\ncommand=cat\nnumprocs=2\nprocess_name=n%(process_num)d\nstartsecs=0\n";

fn five() -> Sup {
    let sup = Sup::new(setup(&format!("{}{PROGRAMS}", header(""))));
    let link = sup.0.dir().path().join("supervisorctl");
    std::os::unix::fs::symlink(bins::mainstay(), link).expect("the directory is ours");
    for name in ["up", "w:n0", "w:n1"] {
        sup.wait_state(name, "RUNNING");
    }
    sup
}

/// Runs both with the same words, the second behind the same preparation.
fn both(sup: &Sup, before: &str, words: &[&str], stdin: &str) -> [Done; 2] {
    let real = bins::venv("supervisorctl").expect("skipped() has looked");
    let ours = sup.0.fill("@dir@/supervisorctl");
    [real, ours].map(|client| {
        if !before.is_empty() {
            sup.ctl(&before.split(' ').collect::<Vec<_>>());
        }
        let conf = sup.0.fill("@dir@/c.conf");
        let line = [&[client.as_str(), "-c", &conf], words].concat();
        let mut done = Cmd::new(&line).stdin(stdin).run();
        for text in [&mut done.stdout, &mut done.stderr] {
            *text = text.replace(&client, "CTL");
        }
        done
    })
}

/// Numbers are no matter, Python's exceptions have words of their own.
fn plain(text: &str) -> Vec<String> {
    let line = |l: &str| match l.split_once("error: ") {
        Some(("", _)) => "error: …".to_owned(),
        Some((prompt, _)) if prompt.ends_with("> ") => format!("{prompt}error: …"),
        _ => l.split(|c: char| c.is_ascii_digit()).filter(|p| !p.is_empty()).collect::<Vec<_>>().join("#"),
    };
    text.split('\n').map(line).collect()
}

/// The form on the left of a line of help.
fn forms(text: &str) -> Vec<&str> {
    text.lines().map(|l| l.split(['\t', '(', ':']).next().unwrap_or_default().trim_end()).collect()
}

#[track_caller]
fn same(sup: &Sup, before: &str, line: &str) {
    let [real, ours] = both(sup, before, &line.split(' ').collect::<Vec<_>>(), "");
    assert_eq!(ours.code(), real.code(), "`{line}`: {}\n---\n{}", real.stdout, ours.stdout);
    let (mut theirs, mut mine) = (plain(&real.stdout), plain(&ours.stdout));
    // Processes of a group end in any order.
    theirs.sort();
    mine.sort();
    assert_eq!(mine, theirs, "`{line}`");
}

/// The first line to the letter, then help of which only the forms are the same.
#[track_caller]
fn same_with_help(sup: &Sup, line: &str) {
    let [real, ours] = both(sup, "", &line.split(' ').collect::<Vec<_>>(), "");
    assert_eq!(ours.code(), real.code(), "`{line}`: {}\n---\n{}", real.stdout, ours.stdout);
    assert_eq!(ours.stdout.lines().next(), real.stdout.lines().next(), "`{line}`");
    let rest = |text: &str| text.split_once('\n').map(|(_, rest)| rest.to_owned()).unwrap_or_default();
    let (theirs, mine) = (rest(&real.stdout), rest(&ours.stdout));
    assert_eq!(forms(&mine), forms(&theirs), "`{line}`");
    assert!(!theirs.is_empty(), "`{line}` has no help behind it");
}

#[test]
fn questions_are_answered_alike() {
    if skipped() {
        return;
    }
    let sup = five();
    for line in [
        "status",
        "status all",
        "status up",
        "status up:up",
        "status up down",
        "status down up",
        "status up all nosuch",
        "status w:*",
        "status w:",
        "status w",
        "status w:n1 w:n0",
        "status nosuch",
        "status nosuch:*",
        "status w:nosuch",
        "status nosuch up",
        "status nosuch down",
        "pid",
        "pid up",
        "pid up w:n0",
        "pid down",
        "pid down up",
        "pid all",
        "pid up all",
        "pid nosuch",
        "pid nosuch up",
        "pid w",
        "avail",
        "version",
        "tail nosuch",
        "tail up",
        "tail -5 up",
        "tail -f",
        "tail up middle",
        "tail -x up",
        "maintail -x",
        "maintail x",
        "add",
        "remove",
        "fg a b",
        "fg nosuch",
        "fg down",
        "open",
        "open foo",
        "open ftp://x",
        "open /x",
        "open unix:///nosuch/s.sock",
        "open http://127.0.0.1:1",
        "open http://127.0.0.1:1/",
        "open unix:///nosuch/../x",
        "open http:",
        "quit",
        "quit now",
        "exit",
        "EOF",
        "bogus",
        "bogus a b",
        "!ls",
        "up",
        "statuses",
        "help",
        "?",
        "help nosuch",
        "help start stop",
        "help EOF",
        "help do_start",
    ] {
        same(&sup, "", line);
    }
    same(&sup, "", &sup.0.fill("open unix://@sock@"));
    sup.finish();
}

#[test]
fn help_has_the_same_forms_for_every_command() {
    if skipped() {
        return;
    }
    let sup = five();
    let [list, _] = both(&sup, "", &["help"], "");
    let names: Vec<&str> = list.stdout.lines().skip(3).flat_map(str::split_whitespace).collect();
    assert_eq!(names.len(), 21, "{names:?}");
    for name in names.into_iter().chain(["help"]) {
        let [real, ours] = both(&sup, "", &["help", name], "");
        assert_eq!((ours.code(), real.code()), (0, 0));
        assert_eq!(forms(&ours.stdout), forms(&real.stdout), "{name}");
        assert_ne!(ours.stdout, real.stdout, "{name}: the sentences are our own");
    }
    sup.finish();
}

#[test]
fn missing_and_superfluous_words_are_refused_alike() {
    if skipped() {
        return;
    }
    let sup = five();
    for line in [
        "start",
        "stop",
        "restart",
        "signal",
        "signal HUP",
        "clear",
        "tail",
        "tail -5 up stdout x",
        "maintail -1 -2",
        "avail x",
        "version x",
        "reread x",
        "shutdown x",
        "reload x",
        "fg",
    ] {
        same_with_help(&sup, line);
    }
    sup.finish();
}

/// Each pair: what is done before, quietly, and what both are told.
fn compare(cases: &[(&str, &str)]) {
    if skipped() {
        return;
    }
    let sup = five();
    for (before, line) in cases {
        same(&sup, before, line);
    }
    sup.finish();
}

#[test]
fn starts_are_answered_alike() {
    compare(&[
        ("stop down", "start down"),
        ("start down", "start down"),
        ("stop down", "start down up"),
        ("stop down", "start nosuch down"),
        ("", "start nosuch"),
        ("", "start w"),
        ("", "start bad"),
        ("", "start brief"),
        ("", "start bad up"),
        ("stop w:*", "start w:*"),
        ("stop w:n0", "start w:"),
        ("", "start w:*"),
        ("", "start nosuch:*"),
        ("", "start nosuch:x"),
        ("stop all", "start up all nosuch"),
    ]);
}

#[test]
fn stops_are_answered_alike() {
    compare(&[
        ("start up", "stop up"),
        ("stop up", "stop up"),
        ("start up", "stop up:up"),
        ("start all", "stop nosuch up"),
        ("start all", "stop w:*"),
        ("stop w:*", "stop w:*"),
        ("start all", "stop nosuch:*"),
        ("start all", "stop w:n0 w:*"),
        ("start all", "stop all"),
        ("stop all", "stop all"),
    ]);
}

#[test]
fn restarts_signals_and_clears_are_answered_alike() {
    compare(&[
        ("start up", "restart up"),
        ("stop up", "restart up"),
        ("", "restart nosuch"),
        ("start all", "restart w:*"),
        ("", "restart nosuch:*"),
        ("start up", "signal HUP up"),
        ("start up", "signal SIGHUP up:up"),
        ("start up", "signal 1 up"),
        ("start up", "signal nosuch up"),
        ("stop up", "signal HUP up"),
        ("start w:*", "signal CONT w:*"),
        ("stop w:*", "signal CONT w:*"),
        ("", "signal CONT nosuch"),
        ("", "signal CONT nosuch:*"),
        ("start up", "signal CONT nosuch up"),
        ("start all", "signal CONT all"),
        ("start up", "clear up"),
        ("", "clear up w:n0"),
        ("", "clear nosuch up"),
        ("", "clear w:*"),
        ("", "clear all"),
    ]);
}

#[test]
fn without_a_server_both_say_the_same() {
    if skipped() {
        return;
    }
    let sup = five();
    let lines = [
        "status",
        "start up",
        "stop up",
        "restart up",
        "signal HUP up",
        "clear up",
        "tail up",
        "tail -f up",
        "maintail",
        "pid",
        "version",
        "fg up",
        "avail",
        "reread",
        "update",
        "update up",
        "add x",
        "remove x",
        "add",
        "shutdown",
        "reload",
        "open foo",
        "help",
    ];
    sup.ctl(&["shutdown"]).expect(0);
    assert_eq!(sup.0.wait_exit(), 0);
    for line in lines {
        same(&sup, "", line);
    }
    // Somebody was there, and has left the socket behind.
    let socket = sup.0.socket();
    drop(UnixListener::bind(&socket).expect("free now"));
    for line in lines {
        same(&sup, "", line);
    }
    let _ = std::fs::remove_file(socket);
    for url in ["http://127.0.0.1:1", "http://127.0.0.1:1/", "unix:///nosuch/../x", "ftp://x"] {
        for line in ["status", "start up", "shutdown", "avail"] {
            let [real, ours] = both(&sup, "", &["-s", url, line], "");
            let said = |done: &Done| (done.code(), plain(&done.stdout));
            assert_eq!(said(&ours), said(&real), "{url} {line}");
        }
    }
}

#[test]
fn usage_errors_are_told_alike() {
    if skipped() {
        return;
    }
    let sup = five();
    for line in [
        "-x",
        "-v",
        "--version",
        "--bogus",
        "-s",
        "-s foo",
        "-s foo status",
        "--server= status",
        "-u",
        "-i -i",
        "-u a -u b status",
        "-s http://x -s http://y",
        "--user a --username b",
        "--interactive=x",
        "--i --int",
        "--json status",
        "-c x",
    ] {
        let [real, ours] = both(&sup, "", &line.split(' ').collect::<Vec<_>>(), "");
        assert_eq!(
            (ours.code(), &ours.stdout, &ours.stderr),
            (real.code(), &real.stdout, &real.stderr),
            "{line}"
        );
        assert_eq!(real.code(), 2, "{line}");
    }
    for line in ["-h", "--help", "-?", "-i -h"] {
        let [real, ours] = both(&sup, "", &line.split(' ').collect::<Vec<_>>(), "");
        assert_eq!((ours.code(), real.code(), ours.stderr.as_str()), (0, 0, ""), "{line}");
        for word in real.stdout.split_whitespace().filter(|w| w.starts_with('-') && w.contains('/')) {
            // COMPAT: its help spells an option as it cannot be given.
            let word = word.replace("history-file", "history_file");
            assert!(ours.stdout.contains(&word), "{word} is not in\n{}", ours.stdout);
        }
        assert!(ours.stdout.contains("CTL [options] [action [arguments]]"), "{}", ours.stdout);
    }
    sup.finish();
}

#[test]
fn lines_from_a_pipe_are_executed_alike() {
    if skipped() {
        return;
    }
    let sup = five();
    for input in [
        "",
        "\n\n",
        "quit\nstatus\n",
        "pid up\nexit\n",
        "pid up",
        "  pid   up  \n\tpid\n",
        "bogus\nEOF\nstatus\n",
        "help\n?\n!x\npid-up\n",
        "stop up\nstart up\nstatus up\n",
        "shutdown\nn\nreload\nno\nshutdown\n\nquit\n",
        "open foo\nopen unix:///nosuch/s\nstatus\npid\n",
        "add\nremove\nfg\nfg a b\nfg down\n",
    ] {
        let [real, ours] = both(&sup, "", &[], input);
        assert_eq!(ours.code(), real.code(), "{input:?}");
        // Behind `fg` stands its help.
        let shown = |text: &str| plain(text).iter().map(|l| forms_of_fg(l)).collect::<Vec<_>>();
        assert_eq!(shown(&ours.stdout), shown(&real.stdout), "{input:?}");
    }
    for (words, input) in [(&["-i", "shutdown"][..], "n\n"), (&["-i", "reload"], "x\n"), (&["-i", "pid"], "")]
    {
        let [real, ours] = both(&sup, "", words, input);
        assert_eq!((ours.code(), plain(&ours.stdout)), (real.code(), plain(&real.stdout)), "{words:?}");
    }
    sup.finish();
}

fn forms_of_fg(line: &str) -> String {
    line.split('\t').next().unwrap_or_default().to_owned()
}

#[test]
fn the_prompt_and_the_password_are_the_files() {
    if skipped() {
        return;
    }
    let config = header("").replace("file=@sock@", "file=@sock@\nusername=u\npassword=p");
    let config = format!("{config}prompt=my %(ENV_WHO)s\nusername=u\npassword=p\n{PROGRAMS}");
    let sup = Sup::new(setup(&config).env("WHO", "x"));
    let link = sup.0.dir().path().join("supervisorctl");
    std::os::unix::fs::symlink(bins::mainstay(), link).expect("the directory is ours");
    sup.wait_log("success: up");
    let conf = sup.0.fill("@dir@/c.conf");
    let real = bins::venv("supervisorctl").expect("skipped() has looked");
    let asked = |words: &[&str], input: &str| {
        [real.clone(), sup.0.fill("@dir@/supervisorctl")].map(|client| {
            let line = [&[client.as_str(), "-c", &conf], words].concat();
            let done = Cmd::new(&line).env("WHO", "you").stdin(input).run();
            (done.code(), plain(&done.stdout))
        })
    };
    let [theirs, ours] = asked(&[], "pid up\n");
    assert_eq!(ours, theirs);
    assert!(ours.1.iter().any(|l| l.starts_with("my you> ")), "{ours:?}");
    // The first line: Python adds an exception.
    let [theirs, ours] = asked(&["-p", "wrong", "status"], "");
    assert_eq!((ours.0, &ours.1[0]), (theirs.0, &theirs.1[0]));
    assert_eq!(ours.1[0], "Server requires authentication");
    let url = format!("unix://{}", sup.0.socket());
    let [theirs, ours] = asked(&["-s", &url, "pid", "up"], "");
    assert_eq!(ours, theirs);
    assert_eq!(ours.0, 0);
    sup.0.finish();
}

/// One client's way through a change of the configuration: what it said.
fn journey(sup: &Sup, client: &str) -> Vec<(String, i32, Vec<String>)> {
    let file = sup.0.dir().path().join("c.conf");
    let first = std::fs::read_to_string(&file).expect("it is there");
    let second = first
        .replace("[program:up]\ncommand=cat", "[program:up]\ncommand=cat -u")
        .replace("[program:down]", "[program:new]");
    let broken = first.replace("[program:up]\ncommand=cat", "[program:up]\ncommand=\npriority=x");
    let conf = file.display().to_string();
    let mut said = Vec::new();
    let mut run = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let done = Cmd::new(&[&[client, "-c", &conf], words.as_slice()].concat()).run();
        // The original shows Python's exception where an update cannot read the file.
        let [before, after] =
            if line.starts_with("update") { ["ERROR: CANT_REREAD: ", "error: "] } else { ["\0", ""] };
        let text = done.stdout.replace(before, after);
        said.push((line.to_owned(), done.code(), plain(&text)));
    };
    ["reread", "update", "update nosuch", "add up", "add nosuch up", "remove up", "remove nosuch up"]
        .into_iter()
        .for_each(&mut run);
    std::fs::write(&file, &second).expect("ours");
    [
        "reread",
        "avail",
        "reread",
        "update nosuch w",
        "add new",
        "update new",
        "remove down",
        "add down",
        "update",
    ]
    .into_iter()
    .for_each(&mut run);
    ["status new up", "update all x", "update nosuch", "reread"].into_iter().for_each(&mut run);
    std::fs::write(&file, &broken).expect("ours");
    ["reread", "update", "update up"].into_iter().for_each(&mut run);
    std::fs::write(&file, &first).expect("ours");
    ["update up", "update nosuch down new nosuch", "status up", "stop up", "remove up", "add up", "update"]
        .into_iter()
        .for_each(&mut run);
    said
}

#[test]
fn changes_of_the_configuration_are_told_and_applied_alike() {
    if skipped() {
        return;
    }
    let sup = five();
    let real = journey(&sup, &bins::venv("supervisorctl").expect("skipped() has looked"));
    let ours = journey(&sup, &sup.0.fill("@dir@/supervisorctl"));
    for (theirs, mine) in real.iter().zip(&ours) {
        let mut mine = mine.clone();
        // Between the two of us a file with errors is no exception: `update` shows them, as `reread` does.
        if crate::support::ours()
            && theirs.2[0] == "error: …"
            && mine.2[0].starts_with("ERROR: CANT_REREAD: ")
        {
            mine.2[0].clone_from(&theirs.2[0]);
        }
        assert_eq!(mine, *theirs);
    }
    assert_eq!(real.len(), ours.len());
    // The way is one: words of each kind have been seen.
    let all: String =
        real.iter().flat_map(|(_, _, lines)| lines.join("\n").chars().collect::<Vec<_>>()).collect();
    for word in [
        ": available",
        ": changed",
        ": disappeared",
        "No config updates",
        ": stopped",
        ": updated process group",
        ": added process group",
        ": removed process group",
        "still running",
        "already active",
        "CANT_REREAD",
        "no such process/group",
        "no such group",
    ] {
        assert!(all.contains(word), "nobody said `{word}`:\n{all}");
    }
    sup.finish();
}
