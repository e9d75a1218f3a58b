//! Plug-ins that are written in Python there and built in here: what is printed and what is started is the same.

use crate::support::{Sup, header, ours, setup, skipped};
use harness::wait_until;

/// supervisor-stdout 0.1.1 for Python 3, on which its own file is a syntax error: the same format, behind `decode`.
const STDOUT: &str = "#!/usr/bin/env python3\nimport sys\ndef main():\n    while True:\n        \
    print('READY', flush=True)\n        line = sys.stdin.readline()\n        if not line: return\n        \
    head = dict(w.split(':') for w in line.split())\n        data = sys.stdin.read(int(head['len']))\n        \
    print('RESULT %d' % len(data), data, sep='\\n', end='', flush=True)\n\
def event_handler(event, response):\n    line, data = response.decode().split('\\n', 1)\n    \
    head = dict(w.split(':') for w in line.split())\n    \
    print('%s %s | %s' % (head['processname'], head['channel'], data), end='', flush=True)\n\
if __name__ == '__main__': main()\n";

/// A daemon with the result handler; the listener's command and events are given.
fn printing(command: &str, events: &str, program: &str) -> Sup {
    let listener = format!(
        "[eventlistener:stdout]\ncommand={command}\nbuffer_size=100\nevents={events}\nstartsecs=0\n\
         result_handler = supervisor_stdout:event_handler\n"
    );
    let setup = setup(&format!("{}{listener}{program}", header("loglevel=debug\n")));
    let folder = setup.dir().join("py");
    Sup::new(setup.file("py/supervisor_stdout.py", STDOUT).env("PYTHONPATH", &folder))
}

const TALKS: &str = "[program:web]\ncommand=@puppet@ wait-file @dir@/go say one say two say-err oops exit 0\nstartsecs=0\n\
                     autorestart=false\nstdout_events_enabled=true\nstderr_events_enabled=true\n\
                     stdout_logfile=NONE\nstderr_logfile=NONE\n";

#[track_caller]
fn prints_what_a_program_writes(command: &str) {
    let sup = printing(command, "PROCESS_LOG", TALKS);
    sup.wait_log("stdout: ACKNOWLEDGED -> READY");
    sup.0.dir().write("go", "");
    wait_until("everything is printed", || {
        let out = sup.0.stdout();
        out.contains("two\n") && out.contains("web stderr | oops\n")
    });
    let out = sup.0.stdout();
    assert!(out.starts_with("web std") && out.contains("web stdout | one\n"), "{out}");
    assert_eq!(out.replace("web stdout | ", "").replace("web stderr | ", "").len(), "one\ntwo\noops\n".len());
    wait_until("every event is answered", || sup.log().contains("stdout: event was processed"));
    sup.finish();
}

#[test]
fn a_listener_in_python_runs_unmodified_and_its_results_are_printed() {
    if !skipped() {
        prints_what_a_program_writes("python3 @dir@/py/supervisor_stdout.py");
    }
}

#[test]
fn supervisor_stdout_works_without_its_script() {
    if !skipped() {
        // There is no such file for us; the real one needs it.
        let command = if ours() { "supervisor_stdout" } else { "python3 @dir@/py/supervisor_stdout.py" };
        prints_what_a_program_writes(command);
    }
}

#[test]
fn a_result_that_the_handler_cannot_read_is_an_error() {
    if skipped() {
        return;
    }
    let sup = printing("python3 @dir@/py/supervisor_stdout.py", "TICK_5", "");
    sup.wait_log("stdout: event caused an error");
    sup.wait_log("stdout: BUSY -> UNKNOWN");
    sup.wait_log(
        "stdout: has entered the UNKNOWN state and will no longer receive events, this usually indicates",
    );
    assert_eq!(sup.0.stdout(), "");
    sup.finish();
}
