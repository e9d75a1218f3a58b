//! The shell on a real terminal, the original's and ours: what is on the screen afterwards is the same.

use crate::support::{Sup, header, setup, skipped};
use harness::{Terminal, bins, wait_until};

const PROGRAMS: &str = "[program:up]\ncommand=cat\nstartsecs=0\nstdout_logfile=@dir@/up.log\n\
    [program:down]\ncommand=cat\nautostart=false\n\
    [program:w]\ncommand=cat\nnumprocs=2\nprocess_name=n%(process_num)d\nstartsecs=0\n";

/// Numbers are no matter: pids and uptimes.
fn plain(screen: &str) -> Vec<String> {
    let line = |l: &str| {
        l.split(|c: char| c.is_ascii_digit()).filter(|p| !p.is_empty()).collect::<Vec<_>>().join("#")
    };
    // The command line that started it is another one.
    screen.lines().skip_while(|l| !l.starts_with("down ")).map(line).collect()
}

/// What one client leaves on the screen; `None` without tmux.
fn screen(client: &str, sup: &Sup) -> Option<Vec<String>> {
    let terminal = Terminal::open("TERM=screen INPUTRC=/dev/null")?;
    let before = terminal.ask("stty -g");
    terminal.types(&format!("{client} -c {}; echo over", sup.0.fill("@dir@/c.conf")), "Enter");
    terminal.line("supervisor>");
    // What is certain is completed; a second Tab shows the choice, in a layout of its own.
    for (typed, completed) in
        [("stat", "status"), ("u", "status up"), ("w", "status up w:"), ("n", "status up w:n")]
    {
        terminal.types(typed, "Tab");
        terminal.line(&format!("supervisor> {completed}"));
    }
    terminal.types("1", "Tab");
    terminal.types("", "Enter");
    wait_until("it is answered", || terminal.screen().matches("\nw:n1 ").count() == 2);
    terminal.line("supervisor>");
    terminal.types("upd", "Tab");
    terminal.types("do", "Tab");
    terminal.line("supervisor> update down");
    terminal.types("", "C-u");
    terminal.types("start my-", "Tab");
    terminal.line("supervisor> start my-");
    // Editing, and former lines.
    for key in ["C-a", "C-k"] {
        terminal.types("", key);
    }
    terminal.types("xhelp quuit", "C-w");
    terminal.types("", "Home");
    terminal.types("", "C-d");
    terminal.types("", "End");
    terminal.types("bogus thing", "Enter");
    terminal.shows("No help on bogus thing");
    // What comes before the prompt is shown by the terminal itself, above it.
    terminal.line("supervisor>");
    terminal.types("", "Up");
    terminal.types("", "Up");
    terminal.line("supervisor> status up w:n1");
    terminal.types("", "Down");
    terminal.line("supervisor> help bogus thing");
    terminal.types("", "C-u");
    // Ctrl-C comes back from a tail, and leaves the shell.
    terminal.types("tail -f up", "Enter");
    terminal.shows("<==\none");
    terminal.types("", "C-c");
    terminal.line("supervisor>");
    terminal.types("pid down", "Enter");
    terminal.shows("pid down\n0");
    terminal.line("supervisor>");
    // One after the other: the key would come before the echo.
    terminal.types("hal", "f");
    terminal.line("supervisor> half");
    terminal.types("", "C-c");
    terminal.shows("\nover");
    let after = terminal.ask("stty -g");
    assert_eq!(after, before, "{client} leaves the terminal in disorder");
    let mut shown =
        plain(&terminal.screen().split("\nover").next().map(|s| s.replace("^C", "")).unwrap_or_default());
    shown.extend(in_front(client, sup)?);
    Some(shown)
}

/// `fg`, left with Ctrl-C. The original's process does not end any more then: the terminal's end has to do it.
fn in_front(client: &str, sup: &Sup) -> Option<Vec<String>> {
    let terminal = Terminal::open("TERM=screen INPUTRC=/dev/null")?;
    terminal.types(&format!("{client} -c {}", sup.0.fill("@dir@/c.conf")), "Enter");
    terminal.line("supervisor>");
    terminal.types("fg up", "Enter");
    terminal.shows("==> Press Ctrl-C to exit <==\none");
    terminal.types("two", "Enter");
    wait_until("the program answers", || terminal.screen().matches("\ntwo").count() == 2);
    terminal.types("", "C-c");
    terminal.line("supervisor>");
    // The terminal shows the key by itself while a line is not edited.
    Some(plain(&terminal.screen().replace("^C", "")))
}

#[test]
fn the_screen_is_the_same_after_the_same_keys() {
    if skipped() {
        return;
    }
    let mut screens = Vec::new();
    for real in [true, false] {
        let sup = Sup::new(setup(&format!("{}{PROGRAMS}", header(""))));
        let link = sup.0.dir().path().join("supervisorctl");
        std::os::unix::fs::symlink(bins::mainstay(), &link).expect("the directory is ours");
        for name in ["up", "w:n0", "w:n1"] {
            sup.wait_state(name, "RUNNING");
        }
        std::fs::write(sup.0.dir().path().join("up.log"), "one\n").expect("the directory is ours");
        let theirs = bins::venv("supervisorctl").expect("skipped() has looked");
        let client = if real { theirs } else { link.display().to_string() };
        let Some(screen) = screen(&client, &sup) else { return };
        screens.push(screen);
        sup.finish();
    }
    assert_eq!(screens[1], screens[0]);
    assert!(screens[0].len() > 12, "{screens:?}");
}

#[test]
fn a_password_is_asked_for_alike() {
    if skipped() {
        return;
    }
    let config = header("").replace("file=@sock@", "file=@sock@\nusername=u\npassword=secret");
    let sup = Sup::new(setup(&format!("{config}{PROGRAMS}")));
    sup.wait_log("success: up");
    let link = sup.0.dir().path().join("supervisorctl");
    std::os::unix::fs::symlink(bins::mainstay(), &link).expect("the directory is ours");
    let theirs = bins::venv("supervisorctl").expect("skipped() has looked");
    let mut screens = Vec::new();
    for client in [theirs, link.display().to_string()] {
        let Some(terminal) = Terminal::open("TERM=screen INPUTRC=/dev/null") else { return };
        terminal.types(&format!("{client} -c {}", sup.0.fill("@dir@/c.conf")), "Enter");
        for (n, password) in ["wrong", "secret"].into_iter().enumerate() {
            wait_until("it asks for a name", || terminal.screen().matches("Username:").count() == n + 1);
            terminal.line("Username:");
            terminal.types("u", "Enter");
            terminal.line("Password:");
            terminal.types(password, "Enter");
        }
        terminal.line("supervisor>");
        terminal.types("version", "Enter");
        terminal.shows("\n4.3.0\n");
        terminal.line("supervisor>");
        let screen = terminal.screen();
        let shown = screen.lines().skip_while(|l| *l != "Server requires authentication");
        screens.push(shown.map(|l| l.replace(|c: char| c.is_ascii_digit(), "#")).collect::<Vec<_>>());
    }
    // Pids have one width here: they are of the same processes.
    assert_eq!(screens[1], screens[0]);
    assert!(screens[0].len() > 8, "{screens:?}");
    sup.0.finish();
}
