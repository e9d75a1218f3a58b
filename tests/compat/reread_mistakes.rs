//! Mistakes in a configuration that is read again: the sentence of the fault. One daemon for all; nothing changes for it.

use crate::reread::{idle, reread, rewrite, rewrite_with};
use crate::rpc_logs::calls;
use crate::support::{Batch, batch, part, skipped, start};
use std::collections::BTreeMap;
use std::sync::LazyLock;

fn run_all(rows: &[(&str, &str, &str, &str)]) -> BTreeMap<String, String> {
    let sup = start(&idle("x"));
    let mut said = BTreeMap::new();
    for (name, supervisord, programs, _) in rows {
        rewrite_with(&sup, supervisord, &format!("{}{programs}", idle("x")));
        // A fault of several lines: as Python shows it.
        let call =
            "p.system.multicall([{'methodName': 'supervisor.reloadConfig', 'params': []}])[0]['faultString']";
        let fault = calls(&sup, &[call]).remove(0);
        let text = fault[1..fault.len() - 1].replace("\\'", "'").replace(&sup.0.fill("@dir@"), "@dir@");
        said.insert((*name).to_owned(), text);
    }
    rewrite(&sup, &idle("x"));
    assert_eq!(reread(&sup), "[[[], [], []]]");
    sup.finish();
    said
}

macro_rules! rows {
    ($($name:ident: $supervisord:expr, $programs:expr => $want:expr;)*) => {
        const ROWS: &[(&str, &str, &str, &str)] = &[$((stringify!($name), $supervisord, $programs, $want)),*];
        static SAID: LazyLock<Batch<BTreeMap<String, String>>> = LazyLock::new(|| batch(|| run_all(ROWS)));
        $(#[test]
        fn $name() {
            if skipped() {
                return;
            }
            let said = part(&SAID, stringify!($name));
            let want = format!("CANT_REREAD: {}", $want);
            assert_eq!(said.get(..want.len()), Some(want.as_str()), "{said}");
        })*
    };
}

rows! {
    a_program_without_a_command: "", "[program:a]\nautostart=true\n" =>
        "program section program:a does not specify a command in section 'program:a' (file: '@dir@/c.conf')";
    a_number_that_is_none: "", "startsecs=many\n" =>
        "invalid literal for int() with base 10: 'many' in section 'program:x' (file: '@dir@/c.conf')";
    a_boolean_that_is_none: "", "autostart=maybe\n" =>
        "not a valid boolean value: 'maybe' in section 'program:x' (file: '@dir@/c.conf')";
    a_signal_that_is_none: "", "stopsignal=FOO\n" =>
        "value 'FOO' is not a valid signal name in section 'program:x' (file: '@dir@/c.conf')";
    a_user_that_is_nobody: "", "user=nosuchuser\n" => "Invalid user name nosuchuser in section 'program:x'";
    a_word_that_cannot_be_expanded: "", "command=%(nope)s\n" =>
        "Format string '%(nope)s' for 'program:x.command' contains names ('nope') which cannot be expanded. Available names: ";
    a_log_in_a_directory_that_is_not_there: "", "stdout_logfile=/no/such/directory/x\n" =>
        "The directory named as part of the path /no/such/directory/x does not exist in section 'program:x'";
    a_group_of_strangers: "", "[group:g]\nprograms=nobody\n" =>
        "[group:g] names unknown program or fcgi-program nobody";
    a_name_with_a_colon: "", "[program:a:b]\ncommand=cat\n" => "Invalid name: 'a:b' because of character: ':'";
    many_processes_of_one_name: "", "numprocs=2\n" =>
        "%(process_num) must be present within process_name when numprocs > 1 in section 'program:x'";
    a_listener_without_events: "", "[eventlistener:l]\ncommand=cat\n" =>
        "[eventlistener:l] section requires an \"events\" line";
    an_event_that_there_is_not: "", "[eventlistener:l]\ncommand=cat\nevents=NOTHING\n" =>
        "Unknown event type NOTHING in [eventlistener:l] events";
    a_socket_that_is_none: "", "[fcgi-program:f]\ncommand=cat\nsocket=file:///x\n" =>
        "('Bad socket format %s', 'file:///x') in [fcgi-program:f] socket";
    both_ways_of_killing: "", "stopasgroup=true\nkillasgroup=false\n" =>
        "Cannot set stopasgroup=true and killasgroup=false in section 'program:x'";
    a_level_that_there_is_not: "loglevel=verbose\n", "" => "bad logging level name 'verbose'";
    a_line_that_is_none: "", "what is this\n" => "Source contains parsing errors: '@dir@/c.conf'";
    an_include_without_files: "", "[include]\n" => ".ini file has [include] section, but no files setting";
    environment_that_is_none: "", "environment=A\n" =>
        "Unexpected end of key/value pairs in value 'A' in section 'program:x'";
}
