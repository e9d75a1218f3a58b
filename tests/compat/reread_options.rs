//! Which settings make a group count as changed: contract 1.10, one program for each row, one daemon for all.

use crate::reread::{reread, rewrite};
use crate::support::{Batch, batch, part, skipped, start};
use std::collections::BTreeMap;
use std::sync::LazyLock;

fn run_all(rows: &[(&str, &str, &str, bool)]) -> BTreeMap<String, bool> {
    let text = |which: usize| -> String {
        let section = |(name, before, after, _): &(&str, &str, &str, bool)| {
            let settings = [before, after][which];
            format!("[program:{name}]\ncommand=cat\nautostart=false\n{settings}\n")
        };
        rows.iter().map(section).collect()
    };
    let sup = start(&text(0));
    assert_eq!(reread(&sup), "[[[], [], []]]", "nothing has changed yet");
    rewrite(&sup, &text(1));
    let said = reread(&sup);
    assert!(said.starts_with("[[[], [") && said.ends_with("], []]]"), "nothing comes or goes: {said}");
    sup.finish();
    rows.iter().map(|(name, ..)| ((*name).to_owned(), said.contains(&format!("'{name}'")))).collect()
}

macro_rules! rows {
    ($($name:ident: $before:expr => $after:expr, $changed:expr;)*) => {
        const ROWS: &[(&str, &str, &str, bool)] = &[$((stringify!($name), $before, $after, $changed)),*];
        static CHANGED: LazyLock<Batch<BTreeMap<String, bool>>> = LazyLock::new(|| batch(|| run_all(ROWS)));
        $(#[test]
        fn $name() {
            if skipped() {
                return;
            }
            assert_eq!(*part(&CHANGED, stringify!($name)), $changed, "from `{}` to `{}`", $before, $after);
        })*
    };
}

rows! {
    command: "" => "command=cat -u", true;
    command_by_blanks_only: "command=cat  -u" => "command=cat -u", true;
    command_by_quotes_only: "command=cat '-u'" => "command=cat -u", true;
    process_name: "" => "process_name=other", true;
    numprocs: "numprocs=2\nprocess_name=%(process_num)s" => "numprocs=3\nprocess_name=%(process_num)s", true;
    numprocs_start: "process_name=%(process_num)s" => "process_name=%(process_num)s\nnumprocs_start=1", true;
    priority: "" => "priority=5", true;
    autostart: "" => "autostart=true", true;
    autorestart: "" => "autorestart=true", true;
    startsecs: "" => "startsecs=2", true;
    startretries: "" => "startretries=4", true;
    stopsignal: "" => "stopsignal=QUIT", true;
    stopwaitsecs: "" => "stopwaitsecs=11", true;
    stopasgroup: "killasgroup=true" => "stopasgroup=true", true;
    killasgroup: "" => "killasgroup=true", true;
    exitcodes: "" => "exitcodes=0,2", true;
    exitcodes_by_order: "exitcodes=0,2" => "exitcodes=2,0", true;
    user: "" => "user=daemon", true;
    umask: "" => "umask=077", true;
    directory: "" => "directory=/tmp", true;
    environment: "environment=A=1" => "environment=A=2", true;
    environment_that_comes: "" => "environment=A=1", true;
    serverurl: "" => "serverurl=http://localhost:1", true;
    redirect_stderr: "" => "redirect_stderr=true", true;
    stdout_capture_maxbytes: "" => "stdout_capture_maxbytes=1", true;
    stdout_events_enabled: "" => "stdout_events_enabled=true", true;
    stdout_syslog: "" => "stdout_syslog=true", true;
    stdout_logfile_backups: "" => "stdout_logfile_backups=1", true;
    stdout_logfile_maxbytes: "" => "stdout_logfile_maxbytes=1", true;
    stderr_capture_maxbytes: "" => "stderr_capture_maxbytes=1", true;
    stderr_events_enabled: "" => "stderr_events_enabled=true", true;
    stderr_syslog: "" => "stderr_syslog=true", true;
    stderr_logfile_backups: "" => "stderr_logfile_backups=1", true;
    stderr_logfile_maxbytes: "" => "stderr_logfile_maxbytes=1", true;
    stdout_logfile: "stdout_logfile=/dev/null" => "stdout_logfile=/dev/zero", true;
    stdout_logfile_auto_no_more: "" => "stdout_logfile=/dev/null", true;
    stdout_logfile_auto_to_none: "" => "stdout_logfile=NONE", true;
    stdout_logfile_becomes_auto: "stdout_logfile=/dev/null" => "", false;
    stdout_logfile_none_becomes_auto: "stdout_logfile=NONE" => "", false;
    stderr_logfile: "stderr_logfile=/dev/null" => "stderr_logfile=/dev/zero", true;
    stderr_logfile_auto_no_more: "" => "stderr_logfile=/dev/null", true;
    stderr_logfile_becomes_auto: "stderr_logfile=/dev/null" => "stderr_logfile=AUTO", false;
    stderr_logfile_that_is_redirected: "redirect_stderr=true\nstderr_logfile=/dev/null" =>
        "redirect_stderr=true\nstderr_logfile=/dev/zero", false;
    a_comment: "" => "; a comment\n# another", false;
    an_unknown_key: "" => "colour=blue", false;
    keys_in_another_order: "startsecs=3\nstopwaitsecs=4" => "stopwaitsecs=4\nstartsecs=3", false;
    a_key_twice: "startsecs=3" => "startsecs=1\nstartsecs=3", false;
    a_default_that_is_written: "" => "startsecs=1\nstopsignal=TERM\npriority=999", false;
    the_same_number: "startsecs=10" => "startsecs=1_0", false;
    the_same_size: "stdout_logfile_maxbytes=1MB" => "stdout_logfile_maxbytes=1024KB", false;
    the_same_signal: "stopsignal=TERM" => "stopsignal=15", false;
    the_same_truth: "stopasgroup=yes" => "stopasgroup=1", false;
    the_same_user: "user=root" => "user=0", false;
    the_same_umask: "umask=022" => "umask=22", false;
    the_same_variables: "environment=A=1,B=2" => "environment=B=\"2\",A='1'", false;
    the_same_name: "" => "process_name=%(program_name)s", false;
    the_same_directory: "directory=@dir@" => "directory=%(here)s", false;
    the_same_log: "stdout_logfile=@dir@/l" => "stdout_logfile=%(here)s/l", false;
}
