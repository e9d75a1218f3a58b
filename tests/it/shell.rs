//! The shell of `ctl` in a real terminal (tmux): editing, history, completion, passwords, Ctrl-C, `fg`, and that the
//! terminal is afterwards as it was before.

use crate::support::ini;
use harness::{Daemon, Terminal, wait_until};

const PROGRAMS: &str = "[program:web]\ncommand=@puppet@ hold\nstartsecs=0\n\
    [program:worker]\ncommand=@puppet@ hold\nnumprocs=2\nprocess_name=n%(process_num)d\nstartsecs=0\n\
    [program:echo]\ncommand=cat\nstartsecs=0\nstdout_logfile=@dir@/echo.log\n";

/// Starts `mainstay ctl` with these words; then `settings` says whether the terminal is as before.
fn starts(terminal: &Terminal, daemon: &Daemon, words: &str) -> String {
    let before = terminal.ask("stty -g");
    let url = format!("unix://{}", daemon.socket());
    terminal.types(&format!("{} ctl -s {url} {words}", harness::mainstay()), "Enter");
    before
}

fn running() -> Daemon {
    let daemon = ini(PROGRAMS).start();
    for name in ["web", "worker:n0", "worker:n1", "echo"] {
        daemon.wait_state(name, "RUNNING");
    }
    daemon
}

#[test]
fn a_line_is_edited_completed_and_remembered() {
    let Some(terminal) = Terminal::open("TERM=screen") else { return };
    let daemon = running();
    let before = starts(&terminal, &daemon, "");
    terminal.shows("web                              RUNNING   pid ");
    terminal.line("supervisor>");
    // Completion: certain at once, a choice with the second Tab.
    terminal.types("sta", "Tab");
    terminal.types("", "Tab");
    terminal.shows("start  status\n");
    terminal.line("supervisor> sta");
    terminal.types("t", "Tab");
    terminal.line("supervisor> status");
    terminal.types("wo", "Tab");
    terminal.line("supervisor> status worker:");
    terminal.types("", "Tab");
    terminal.types("", "Tab");
    terminal.shows("worker:*  worker:n0  worker:n1\n");
    terminal.types("n0", "Enter");
    terminal.shows("\nworker:n0                        RUNNING");
    // Editing, in the middle of a line too.
    terminal.types("xersioné", "BSpace");
    terminal.types("", "Home");
    terminal.types("", "DC");
    terminal.types("v", "Enter");
    terminal.shows("supervisor> version\n4.3.0\nsupervisor>");
    // Former lines, and a search among them.
    terminal.types("", "Up");
    terminal.line("supervisor> version");
    terminal.types("", "Up");
    terminal.line("supervisor> status worker:n0");
    terminal.types("", "C-u");
    terminal.types("", "C-r");
    terminal.types("ver", "");
    terminal.line("(reverse-i-search)`ver': version");
    terminal.types("", "Enter");
    wait_until("it is executed again", || terminal.screen().matches("\n4.3.0\n").count() == 2);
    // Ctrl-C ends it, well, and the terminal is as it was.
    terminal.types("half a li", "C-c");
    terminal.shows("supervisor> half a li\n$");
    assert_eq!(terminal.ask("echo $?").trim(), "0");
    assert_eq!(terminal.ask("stty -g"), before);
    daemon.finish();
}

#[test]
fn ctrl_d_and_signals_leave_the_terminal_in_order() {
    let Some(terminal) = Terminal::open("TERM=screen") else { return };
    let daemon = running();
    let before = starts(&terminal, &daemon, "");
    terminal.line("supervisor>");
    terminal.types("x", "C-d");
    terminal.line("supervisor> x");
    terminal.types("", "BSpace");
    terminal.types("", "C-d");
    terminal.shows("supervisor>\n$");
    assert_eq!(terminal.ask("stty -g"), before);
    for (signal, code) in [(15, "143"), (1, "129"), (2, "0")] {
        starts(&terminal, &daemon, "");
        terminal.line("supervisor>");
        let url = format!("unix://{}", daemon.socket());
        let is_it = |pid: i32| harness::proc::cmdline(pid).windows(2).any(|w| w[0] == "-s" && w[1] == url);
        let pid = harness::proc::all().into_iter().map(|s| s.pid).find(|pid| is_it(*pid));
        harness::kill(pid.expect("it runs"), signal).expect("it is ours");
        terminal.line("$");
        assert_eq!(terminal.ask("echo $?").trim(), code);
        assert_eq!(terminal.ask("stty -g"), before, "signal {signal}");
    }
    daemon.finish();
}

#[test]
fn history_is_kept_in_the_file_that_is_named() {
    let Some(terminal) = Terminal::open("TERM=screen") else { return };
    let daemon = running();
    std::fs::write(terminal.dir().path().join("former"), "pid web\nstatus nosuch\n").expect("it is ours");
    starts(&terminal, &daemon, "-r former");
    terminal.line("supervisor>");
    terminal.types("", "Up");
    terminal.line("supervisor> status nosuch");
    terminal.types("", "Enter");
    terminal.shows("nosuch: ERROR (no such process)");
    terminal.types("version", "Enter");
    terminal.shows("4.3.0");
    terminal.types("quit", "Enter");
    terminal.line("$");
    assert_eq!(terminal.dir().read("former"), "pid web\nstatus nosuch\nversion\nquit\n");
    daemon.finish();
}

#[test]
fn a_password_is_asked_for_and_not_shown() {
    let Some(terminal) = Terminal::open("TERM=screen") else { return };
    let config =
        crate::support::ini_header().replace("file=@sock@", "file=@sock@\nusername=u\npassword=secret");
    let daemon = harness::Setup::ini(&format!("{config}{PROGRAMS}")).start();
    daemon.wait_said("success: web");
    let before = starts(&terminal, &daemon, "");
    terminal.line("Username:");
    terminal.types("u", "Enter");
    terminal.line("Password:");
    terminal.types("wrong", "Enter");
    // The same line is tried again, and again.
    wait_until("it asks once more", || terminal.screen().matches("Username:").count() == 2);
    terminal.types("u", "Enter");
    wait_until("it asks once more", || terminal.screen().matches("Password:").count() == 2);
    terminal.types("secret", "Enter");
    terminal.shows("web                              RUNNING   pid ");
    terminal.types("version", "Enter");
    terminal.shows("supervisor> version\n4.3.0\nsupervisor>");
    let screen = terminal.screen();
    assert!(!screen.contains("secret") && !screen.contains("wrong"), "{screen}");
    terminal.types("quit", "Enter");
    terminal.line("$");
    // One action with -i; Ctrl-C at the password.
    starts(&terminal, &daemon, "-i pid web");
    terminal.line("Username:");
    terminal.types("u", "Enter");
    terminal.line("Password:");
    terminal.types("", "C-c");
    terminal.line("$");
    assert_eq!(terminal.ask("echo $?").trim(), "130");
    assert_eq!(terminal.ask("stty -g"), before);
    daemon.finish();
}

#[test]
fn fg_and_tail_are_left_with_ctrl_c_and_the_shell_goes_on() {
    let Some(terminal) = Terminal::open("TERM=screen") else { return };
    let daemon = running();
    starts(&terminal, &daemon, "");
    terminal.line("supervisor>");
    terminal.types("fg echo", "Enter");
    terminal.line("==> Press Ctrl-C to exit <==");
    terminal.types("hello there", "Enter");
    // Once as it is typed, once from the program.
    wait_until("cat answers", || terminal.screen().matches("\nhello there").count() == 2);
    terminal.types("", "C-c");
    terminal.shows("Exiting foreground\nsupervisor>");
    terminal.types("tail -f echo", "Enter");
    wait_until("it is shown again", || terminal.screen().matches("\nhello there").count() == 3);
    terminal.types("", "C-c");
    terminal.line("supervisor>");
    terminal.types("status echo", "Enter");
    terminal.shows("\necho                             RUNNING   pid ");
    // A program that goes away is noticed with the next line.
    terminal.types("fg echo", "Enter");
    wait_until("it is there", || terminal.screen().matches("Press Ctrl-C").count() == 3);
    crate::support::ctl(&daemon, &["stop", "echo"]).expect(0);
    terminal.types("anyone?", "Enter");
    terminal.shows("Process got killed\nExiting foreground\nsupervisor>");
    terminal.types("", "C-d");
    terminal.line("$");
    daemon.finish();
}

#[test]
fn a_terminal_without_escapes_gets_none_and_colours_are_for_others() {
    let Some(terminal) = Terminal::open("TERM=dumb") else { return };
    let daemon = running();
    let raw = terminal.dir().join("raw");
    terminal.tmux(&["pipe-pane", "-o", &format!("cat > {raw}")]);
    let url = format!("unix://{}", daemon.socket());
    let ctl = format!("{} ctl -s {url}", harness::mainstay());
    terminal.types(&ctl, "Enter");
    terminal.line("supervisor>");
    terminal.types("version", "Enter");
    terminal.shows("4.3.0\nsupervisor>");
    terminal.types("quit", "Enter");
    terminal.line("$");
    terminal.types(&format!("TERM=screen NO_COLOR=1 {ctl} status web"), "Enter");
    terminal.shows("RUNNING   pid");
    terminal.line("$");
    assert!(!terminal.dir().read("raw").contains('\u{1b}'), "{:?}", terminal.dir().read("raw"));
    terminal.types(&format!("TERM=screen {ctl} status web"), "Enter");
    wait_until("it is green", || terminal.dir().read("raw").contains("\u{1b}[32mRUNNING   \u{1b}[0mpid"));
    daemon.finish();
}

#[test]
fn a_line_is_drawn_again_at_once_when_the_terminal_gets_another_size() {
    let Some(terminal) = Terminal::open("TERM=screen") else { return };
    let daemon = running();
    let before = starts(&terminal, &daemon, "");
    terminal.line("supervisor>");
    let typed: String = ('0'..='9').cycle().take(130).collect();
    terminal.types(&typed, "");
    // As much as the last column leaves, beside the prompt and the cursor.
    terminal.line(&format!("supervisor> {}", &typed[typed.len() - 86..]));
    terminal.resize((150, 40));
    terminal.line(&format!("supervisor> {typed}"));
    terminal.resize((60, 40));
    terminal.line(&format!("supervisor> {}", &typed[typed.len() - 46..]));
    // And it is the same line to whom it matters.
    terminal.types("", "C-u");
    terminal.types("version", "Enter");
    terminal.shows("supervisor> version\n4.3.0\nsupervisor>");
    terminal.types("", "C-d");
    terminal.line("$");
    assert_eq!(terminal.ask("stty -g"), before);
    daemon.finish();
}
