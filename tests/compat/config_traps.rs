//! What a configuration does that nobody expects: traps 1 to 19 of the contract, each with its name and both behaviours.
//!
//! Values that only a parser sees are compared by `tests/differential`; here is what they do to a program.

use crate::support::{Sup, header, ours, setup, skipped};
use harness::{Cmd, Daemon, wait_until};
use std::collections::BTreeMap;

/// Programs that run once; by name what each said on stdout.
fn outputs(supervisord: &str, programs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut text = header(supervisord);
    for (name, lines) in programs {
        text.push_str(&format!(
            "[program:{name}]\nstartsecs=0\nautorestart=false\nstdout_logfile=@dir@/{name}.out\n{lines}\n"
        ));
    }
    let sup = Sup::new(setup(&text).env("EMPTY", "").env("QUOTE", "a\"b").env("PCT", "a%b"));
    for (name, _) in programs {
        sup.wait_log(&format!("exited: {name} "));
    }
    let dir = sup.0.fill("@dir@");
    let said = programs
        .iter()
        .map(|(name, _)| ((*name).to_owned(), sup.file(&format!("{name}.out")).replace(&dir, "@dir@")))
        .collect();
    sup.finish();
    said
}

/// The reason for which a configuration is refused.
fn refusal(config: &str) -> String {
    let daemon = setup(&(header("") + config)).env("EMPTY", "").start();
    assert_eq!(daemon.wait_exit(), 2, "exit code");
    reason(&daemon)
}

fn reason(daemon: &Daemon) -> String {
    wait_until("it has said why", || daemon.stderr().contains('\n'));
    let text = daemon.stderr().replace(&daemon.fill("@dir@"), "@dir@");
    text.lines().find_map(|l| l.strip_prefix("Error: ")).unwrap_or(&text).to_owned()
}

/// Whether the daemon runs with it; what it then says of `what` is waited for.
fn runs(config: &str, what: &str) -> Sup {
    let sup = Sup::new(setup(&(header("") + config)));
    sup.wait_log(what);
    sup
}

#[test]
fn trap_1_a_comment_begins_at_either_sign_behind_a_blank() {
    if skipped() {
        return;
    }
    let said = outputs(
        "",
        &[
            ("hash", "command=@puppet@ args a # b"),
            ("semicolon", "command=@puppet@ args a ; b"),
            ("tab", "command=@puppet@ args a\t;b"),
            ("tight", "command=@puppet@ args a;b#c"),
            // The first `;` and the first `#` are looked at before the second of each.
            ("rounds", "command=@puppet@ args a;b ;c #d"),
        ],
    );
    let want = [
        ("hash", "[\"a\"]\n"),
        ("semicolon", "[\"a\"]\n"),
        ("tab", "[\"a\"]\n"),
        ("tight", "[\"a;b#c\"]\n"),
        ("rounds", "[\"a;b\", \";c\"]\n"),
    ];
    for (name, want) in want {
        assert_eq!(said[name], want, "{name}");
    }
}

#[test]
fn trap_2_quotes_do_not_keep_a_comment_from_beginning() {
    if skipped() {
        return;
    }
    let sup = runs("[program:x]\ncommand=sh -c \"echo a ; echo b\"\nstartretries=0\n", "gave up: x");
    assert!(
        sup.log().contains("spawnerr: can't parse command 'sh -c \"echo a': No closing quotation"),
        "{}",
        sup.log()
    );
    sup.finish();
}

#[test]
fn trap_3_a_bare_percent_s_never_shows_the_environment() {
    if skipped() {
        return;
    }
    let config =
        "[program:x]\ncommand=@puppet@ args %s\nstartsecs=0\nautorestart=false\nstdout_logfile=@dir@/x\n";
    if ours() {
        let why = refusal(config);
        assert!(why.contains(" for 'program:x.command' is badly formatted: %s needs a name"), "{why}");
    } else {
        let sup = runs(config, "exited: x ");
        assert!(sup.file("x").contains("ENV_PATH"), "{}", sup.file("x"));
        sup.finish();
    }
}

#[test]
fn trap_4_a_percent_sign_in_the_name_of_a_log_file() {
    if skipped() {
        return;
    }
    let program = |signs: &str| {
        format!(
            "[program:x]\ncommand=@puppet@ say hi\nstartsecs=0\nautorestart=false\nstdout_logfile=@dir@/100{signs}.log\n"
        )
    };
    let sup = runs(&program("%%%%"), "exited: x ");
    assert_eq!(sup.file("100%.log"), "hi\n");
    sup.finish();
    // Theirs expands twice and fails on the sign that is left.
    if ours() {
        let sup = runs(&program("%%"), "exited: x ");
        assert_eq!(sup.file("100%.log"), "hi\n");
        sup.finish();
    } else {
        let why = refusal(&program("%%"));
        assert!(why.contains(" for 'stdout_logfile' is badly formatted: "), "{why}");
    }
}

#[test]
fn trap_5_a_percent_sign_in_the_environment_of_all() {
    if skipped() {
        return;
    }
    let program = [("x", "command=@puppet@ env-of A")];
    assert_eq!(outputs("environment=A=\"x%%%%y\"", &program)["x"], "x%y\n");
    if ours() {
        assert_eq!(outputs("environment=A=\"x%%y\"", &program)["x"], "x%y\n");
    } else {
        let daemon = setup(&header("environment=A=\"x%%y\"")).start();
        assert_eq!(daemon.wait_exit(), 2);
        assert_eq!(
            reason(&daemon),
            "Format string 'A=\"x%y\"' for 'environment' is badly formatted: unsupported format character 'y' (0x79) at index 5"
        );
    }
}

/// `environment=` and what of it a program gets.
const ENVIRONMENTS: &[(&str, &str, &str)] = &[
    ("plain", "A=1", "1"),
    ("double", "A=\"1\"", "1"),
    ("single", "A='1'", "1"),
    ("blanks", "A = 1", "1"),
    ("comma", "A=\"a,b\"", "a,b"),
    ("equals", "A=\"a=b\"", "a=b"),
    ("semicolon", "A=\"a;b\"", "a;b"),
    ("hash", "A=\"#x\"", "#x"),
    ("words", "A=/x/y.z-1:2(3)+4", "/x/y.z-1:2(3)+4"),
    ("trailing", "A=\"a\",", "a"),
    ("newline", "B=x,\n  A=y", "y"),
    ("empty", "A=\"\"", ""),
    ("apostrophe", "A=\"it's\"", "it's"),
    ("last", "A=1,A=2", "2"),
    ("number", "A=\"%(process_num)d\"", "0"),
    ("name", "A=\"%(program_name)s\"", "name"),
    ("percent", "A=\"x%%y\"", "x%y"),
    ("variable", "A=\"%(ENV_PCT)s\"", "a%b"),
    // Cut or changed without a word by theirs; ours does the same and warns.
    ("dropped", "A=a b", "a"),
    ("address", "A=http://x/?a=b", "http://x/"),
    ("dollar", "A=$HOME", "$"),
    ("home", "A=~/x", "~"),
    ("at", "A=@x", "@"),
    ("quote-inside", "A=\"%(ENV_QUOTE)s\"", "a"),
    ("quote-at-end", "A='say \"hi\"'", "say \"hi"),
    ("quotes-in-quotes", "A=\"'x'\"", "x"),
    ("escape", "A=\"a\\\"b\"", "a\\"),
    ("two-texts", "A=\"a\"\"b\"", "a"),
    ("no-comma", "A=a;B=b", "a"),
];

#[test]
fn trap_6_what_environment_drops() {
    if skipped() {
        return;
    }
    let lines: Vec<(&str, String)> = ENVIRONMENTS
        .iter()
        .map(|(name, value, _)| (*name, format!("command=@puppet@ env-of A\nenvironment={value}")))
        .collect();
    let programs: Vec<(&str, &str)> = lines.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let said = outputs("", &programs);
    for (name, value, want) in ENVIRONMENTS {
        assert_eq!(said[*name], format!("{want}\n"), "{value}");
    }
}

#[test]
fn trap_6_what_environment_refuses() {
    if skipped() {
        return;
    }
    for value in ["A=a B=b", "A=a=b", "A=#x", "A=[1]", "FOO", "A=", "A=,B=1"] {
        let why = refusal(&format!("[program:x]\ncommand=cat\nenvironment={value}\n"));
        let want = format!(
            "Unexpected end of key/value pairs in value '{value}' in section 'program:x' (file: '@dir@/c.conf')"
        );
        assert_eq!(why, want);
    }
    let why = refusal("[program:x]\ncommand=cat\nenvironment=A=\"x\n");
    assert_eq!(why, "No closing quotation in section 'program:x' (file: '@dir@/c.conf')");
}

#[test]
fn trap_7_an_empty_variable_without_quotes_is_refused() {
    if skipped() {
        return;
    }
    let why = refusal("[program:x]\ncommand=cat\nenvironment=A=%(ENV_EMPTY)s,B=1\n");
    assert_eq!(
        why,
        "Unexpected end of key/value pairs in value 'A=,B=1' in section 'program:x' (file: '@dir@/c.conf')"
    );
    assert_eq!(
        outputs("", &[("x", "command=@puppet@ env-of A\nenvironment=A=\"%(ENV_EMPTY)s\"")])["x"],
        "\n"
    );
}

// Trap 8 is `groups::equal_sections_merge_and_default_applies_to_all`.

#[test]
fn trap_9_keys_know_no_case() {
    if skipped() {
        return;
    }
    assert_eq!(outputs("", &[("x", "COMMAND=@puppet@ env-of A\nEnvironment: A=1")])["x"], "1\n");
}

#[test]
fn trap_10_which_settings_may_use_which_names() {
    if skipped() {
        return;
    }
    for (value, name) in [("%(process_num)d", "process_num"), ("%(program_name)s", "program_name")] {
        let why = refusal(&format!("[program:x]\ncommand=cat\npriority={value}\n"));
        let want = format!(
            "Format string '{value}' for 'program:x.priority' contains names ('{name}') which cannot be expanded."
        );
        assert!(why.starts_with(&want), "{why}");
    }
    let why = refusal("[program:x]\ncommand=cat\nstartsecs=%(process_num)d\n");
    assert!(
        why.starts_with("Format string '%(process_num)d' for 'program:x.startsecs' contains names ("),
        "{why}"
    );
    let said = outputs(
        "",
        &[(
            "x",
            "command=@puppet@ args %(process_num)03d %(numprocs)s %(group_name)s %(program_name)-3s|\n\
             stdout_logfile=@dir@/%(program_name)s.out\ndirectory=@dir@/chil%(ENV_D)s\nenvironment=D=\"d\"",
        )],
    );
    assert_eq!(said["x"], "[\"000\", \"1\", \"x\", \"x\", \"|\"]\n");
}

#[test]
fn trap_11_numbers_that_make_no_sense_are_accepted() {
    if skipped() {
        return;
    }
    let sup = runs(
        "[program:none]\ncommand=cat\nnumprocs=0\n[program:x]\ncommand=cat\nstopsignal=0\nstartretries=-1\nstartsecs=-5\nstopwaitsecs=1\n\
         stdout_logfile_backups=-1\nstdout_logfile_maxbytes=-1\nexitcodes=\n[program:y]\ncommand=cat\npriority=99999999999999999999\n",
        "spawned: 'y'",
    );
    sup.wait_state("x", "RUNNING");
    let names: Vec<String> =
        sup.ctl(&["status"]).stdout.lines().map(|l| l.split(' ').next().unwrap_or("").to_owned()).collect();
    assert_eq!(names, ["x", "y"]);
    sup.finish();
}

#[test]
fn trap_12_a_process_name_with_slashes() {
    if skipped() {
        return;
    }
    let config = "[program:x]\ncommand=cat\nprocess_name=%(here)s\n";
    if ours() {
        assert_eq!(refusal(config), "Invalid name: '@dir@' in section 'program:x' (file: '@dir@/c.conf')");
    } else {
        runs(config, "spawned: '/").finish();
    }
    let why = refusal("[program:x]\ncommand=cat\nprocess_name=a/b\n");
    assert_eq!(
        why,
        "Invalid name: 'a/b' because of character: '/' in section 'program:x' (file: '@dir@/c.conf')"
    );
}

#[test]
fn trap_13_of_two_groups_with_one_name_the_first_is_there() {
    if skipped() {
        return;
    }
    let sup = runs(
        "[program:a]\ncommand=cat\nprocess_name=program\n\
         [eventlistener:a]\ncommand=@puppet@ hold\nprocess_name=listener\nevents=TICK_3600\n[program:z]\ncommand=cat\n",
        "spawned: 'z'",
    );
    let status = sup.ctl(&["status"]).stdout;
    assert!(status.contains("a:listener ") && !status.contains("a:program "), "{status}");
    if ours() {
        let said = sup.0.said();
        assert!(said.contains("group `a` is defined twice; the second one is dropped"), "{said}");
    }
    sup.finish();
}

// Trap 14 is `fcgi::in_a_group_it_keeps_its_socket_here_and_loses_it_there`.
// Trap 15 is `groups::includes_are_sorted_merged_and_not_nested` and `groups::an_include_may_change_the_supervisord_section`.

#[test]
fn trap_16_umask_and_directory_of_all_do_nothing_in_the_foreground() {
    if skipped() {
        return;
    }
    let umask = Cmd::new(&[&harness::puppet(), "umask"]).run().stdout;
    let said = outputs(
        "umask=0177\ndirectory=/usr",
        &[
            ("x", "command=@puppet@ umask cwd"),
            ("own", "command=@puppet@ umask cwd\numask=0151\ndirectory=/usr"),
        ],
    );
    assert_eq!(said["x"], format!("{umask}@dir@\n"));
    assert_eq!(said["own"], "umask 151\n/usr\n");
}

#[test]
fn trap_17_environment_may_replace_what_supervisor_says_of_the_process() {
    if skipped() {
        return;
    }
    let said = outputs(
        "environment=SUPERVISOR_PROCESS_NAME=\"other\"",
        &[(
            "x",
            "command=@puppet@ env-of SUPERVISOR_PROCESS_NAME env-of SUPERVISOR_GROUP_NAME env-of SUPERVISOR_ENABLED",
        )],
    );
    assert_eq!(said["x"], "other\nx\n1\n");
}

#[test]
fn trap_18_a_second_daemon_with_the_same_file() {
    if skipped() {
        return;
    }
    let sup = runs("[program:x]\ncommand=cat\n", "spawned: 'x'");
    let autos = || {
        let entries = std::fs::read_dir(sup.0.dir().path().join("child")).into_iter().flatten().flatten();
        let names = entries.map(|e| e.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("x-stdout")).collect::<Vec<_>>()
    };
    let before = autos();
    assert_eq!(before.len(), 1);
    let program = if ours() {
        sup.0.fill("@dir@/supervisord")
    } else {
        harness::bins::venv("supervisord").expect("skipped() has looked")
    };
    let second = Cmd::new(&[&program, "-n", "-c", &sup.0.fill("@dir@/c.conf")]).run();
    assert_eq!(second.code(), 2);
    assert!(
        second.stderr.contains("Error: Another program is already listening on a port"),
        "{}",
        second.stderr
    );
    // Theirs has removed the log of the program that runs, and made one that nobody writes to.
    assert_eq!(autos() == before, ours());
    sup.finish();
}

#[test]
fn trap_19_the_current_directory_is_searched() {
    if skipped() {
        return;
    }
    let text = header("") + "[program:x]\ncommand=cat\n";
    let program = if ours() {
        "@dir@/supervisord".to_owned()
    } else {
        harness::bins::venv("supervisord").expect("skipped() has looked")
    };
    let setup = harness::Setup::new(&[&program, "-n"])
        .cwd("@dir@")
        .file("supervisord.conf", &text)
        .file("child/.keep", "");
    if ours() {
        let link = setup.dir().path().join("supervisord");
        std::os::unix::fs::symlink(harness::bins::mainstay(), link).expect("the directory is ours");
    }
    let sup = Sup::new(setup);
    sup.wait_log("spawned: 'x'");
    sup.finish();
}

#[test]
fn programs_are_told_the_address_as_it_was_written() {
    if skipped() {
        return;
    }
    for (port, want) in [
        ("LocalHost:@port@", "http://localhost:@port@"),
        ("127.0.0.1:@port@", "http://127.0.0.1:@port@"),
        ("0.0.0.0:@port@", "http://0.0.0.0:@port@"),
        ("*:@port@", "http://localhost:@port@"),
        ("@port@", "http://localhost:@port@"),
    ] {
        let text = format!(
            "[supervisord]\nnodaemon=true\nuser=root\nlogfile=@dir@/main.log\npidfile=@dir@/d.pid\nchildlogdir=@dir@/child\n\
             [inet_http_server]\nport={port}\nusername=u\npassword=p\n\
             [program:x]\ncommand=@puppet@ env-of SUPERVISOR_SERVER_URL\nstartsecs=0\nautorestart=false\nstdout_logfile=@dir@/x\n"
        );
        let sup = Sup::new(setup(&text));
        sup.wait_log("exited: x ");
        assert_eq!(sup.file("x"), sup.0.fill(&format!("{want}\n")), "{port}");
        sup.finish();
    }
}
