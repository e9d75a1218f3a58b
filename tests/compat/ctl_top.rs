//! `ctl top` and `ctl events`: what ours does against either server.

use crate::support::{Sup, ours, skipped, start};
use harness::{Cmd, Done, bins};

fn one() -> Sup {
    let sup = start(
        "[program:a]\ncommand=@puppet@ say first hold\nstartsecs=0\nstdout_logfile=@dir@/a.log\n\
         [program:b]\ncommand=/no/such/b\nstartretries=0\n",
    );
    sup.wait_file("a.log", "first\n");
    sup.wait_log("success: a");
    sup.wait_log("gave up: b");
    sup
}

fn ctl(sup: &Sup, words: &[&str]) -> Done {
    let (mainstay, url) = (bins::mainstay(), format!("unix://{}", sup.0.socket()));
    Cmd::new(&[&[mainstay.as_str(), "ctl", "-s", &url], words].concat()).run()
}

#[test]
fn a_table_is_made_of_what_the_server_tells() {
    if skipped() {
        return;
    }
    let sup = one();
    let done = ctl(&sup, &["top", "--once"]);
    done.expect(0);
    let rows: Vec<Vec<&str>> = done.stdout.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!((rows[1][0], rows[1][1]), ("a", "RUNNING"), "{}", done.stdout);
    // Name, state, pid, uptime, restarts, cpu, memory, last line: the server runs beside us.
    let pid = sup.0.info("a", "pid").expect("a pid");
    assert_eq!(
        (rows[1][2], rows[1][4], rows[1][7]),
        (pid.as_str(), if ours() { "0" } else { "-" }, if ours() { "first" } else { "-" })
    );
    assert!(rows[1][6].ends_with(['K', 'M']), "{}", done.stdout);
    assert_eq!(rows[2][..7], ["b", "FATAL", "-", "-", if ours() { "0" } else { "-" }, "-", "-"]);
    assert!(done.stdout.contains("can't find command '/no/such/b'"), "{}", done.stdout);
    let json = ctl(&sup, &["top", "--json"]);
    json.expect(0);
    assert!(json.stdout.contains("\"statename\":\"FATAL\""), "{}", json.stdout);
    sup.finish();
}

#[test]
fn a_server_without_events_is_told_apart() {
    if skipped() {
        return;
    }
    let sup = one();
    if ours() {
        // Ours has them, and says so to whoever asks wrongly.
        ctl(&sup, &["events", "NOSUCH"]).expect(2);
    } else {
        let done = ctl(&sup, &["events"]);
        done.expect(1).says("hint: there, an [eventlistener:x] in its configuration gets events");
        assert!(done.stdout.contains(" has no /events: it is Supervisor's own"), "{}", done.stdout);
    }
    sup.finish();
}

#[test]
fn a_server_that_cannot_explain_is_told_apart() {
    if skipped() {
        return;
    }
    let sup = one();
    let done = ctl(&sup, &["explain", "a"]);
    if ours() {
        done.expect(0);
        assert!(done.stdout.contains("\n  next: restarted at once after an exit"), "{}", done.stdout);
    } else {
        done.expect(1).says("hint: it is another supervisord");
        assert_eq!(done.stdout, "error: this server cannot explain how a process has ended\n");
    }
    sup.finish();
}
