//! What surrounds a child: environment, PATH, directory, user, umask, and what it says when it cannot become its program.

use crate::support::{Sup, header, ours, setup, skipped, start, start_with};
use harness::{Setup, wait_until};

/// Runs programs that write to `NAME.out`, waits for their ends, and gives back what the first one wrote.
#[track_caller]
fn output(setup: Setup, names: &[&str]) -> Vec<String> {
    let sup = Sup::new(setup);
    names.iter().for_each(|name| sup.wait_log(&format!("exited: {name} ")));
    let texts = names.iter().map(|name| sup.file(&format!("{name}.out"))).collect();
    sup.finish();
    texts
}

/// A configuration of programs that run once, with both streams in one file.
fn config(supervisord: &str, programs: &[(&str, &str)]) -> String {
    let program = |(name, settings): &(&str, &str)| {
        format!(
            "[program:{name}]\nautorestart=false\nstartsecs=0\nredirect_stderr=true\nstdout_logfile=@dir@/{name}.out\n{settings}\n"
        )
    };
    format!("{}{}", header(supervisord), programs.iter().map(program).collect::<String>())
}

#[track_caller]
fn run(supervisord: &str, programs: &[(&str, &str)]) -> Vec<String> {
    let names: Vec<&str> = programs.iter().map(|(name, _)| *name).collect();
    output(setup(&config(supervisord, programs)), &names)
}

#[test]
fn each_variable_comes_from_the_highest_place_that_has_it() {
    if skipped() {
        return;
    }
    // The daemon's own < SUPERVISOR_* < [supervisord] < [program]; trap 17.
    let text = config(
        "environment=B=\"whole\",C=\"whole\",SUPERVISOR_PROCESS_NAME=\"whole\",SUPERVISOR_ENABLED=\"whole\"\n",
        &[
            ("p", "command=@puppet@ env\nenvironment=C=\"program\",SUPERVISOR_ENABLED=\"program\""),
            ("q", "command=@puppet@ env\nserverurl=auto"),
        ],
    );
    let setup = setup(&text)
        .clear_env()
        .env("A", "daemon")
        .env("B", "daemon")
        .env("C", "daemon")
        .env("LC_ALL", "C.UTF-8")
        .env("SUPERVISOR_GROUP_NAME", "daemon")
        .env("SUPERVISOR_SERVER_URL", "daemon");
    let url = setup.fill("SUPERVISOR_SERVER_URL=unix://@dir@/s.sock");
    let texts = output(setup, &["p", "q"]);
    let want = |c: &str, enabled: &str, name: &str| {
        format!(
            "A=daemon\nB=whole\nC={c}\nLC_ALL=C.UTF-8\nSUPERVISOR_ENABLED={enabled}\nSUPERVISOR_GROUP_NAME={name}\n\
             SUPERVISOR_PROCESS_NAME=whole\n{url}\n"
        )
    };
    assert_eq!(texts, [want("program", "program", "p"), want("whole", "whole", "q")]);
}

#[test]
fn names_of_numbered_processes_and_groups_are_told() {
    if skipped() {
        return;
    }
    let names = "env-of SUPERVISOR_PROCESS_NAME env-of SUPERVISOR_GROUP_NAME env-of SUPERVISOR_SERVER_URL";
    let sup = start(&format!(
        "[program:p]\ncommand=@puppet@ {names} say %(process_num)d\nautorestart=false\nstartsecs=0\nnumprocs=2\nnumprocs_start=7\n\
         process_name=%(program_name)s-%(process_num)03d\nstdout_logfile=@dir@/%(process_num)d.out\nserverurl=\n\
         [group:g]\nprograms=p\n"
    ));
    sup.wait_log("exited: p-007 ");
    sup.wait_log("exited: p-008 ");
    // An empty `serverurl` is none.
    assert_eq!(sup.file("7.out"), "p-007\ng\nunset\n7\n");
    assert_eq!(sup.file("8.out"), "p-008\ng\nunset\n8\n");
    sup.finish();
}

#[test]
fn the_server_url_of_an_inet_server_has_a_host() {
    if skipped() {
        return;
    }
    for (port, want) in
        [("127.0.0.1:@port@", "http://127.0.0.1:@port@"), ("*:@port@", "http://localhost:@port@")]
    {
        let text = config("", &[("p", "command=@puppet@ env-of SUPERVISOR_SERVER_URL")]);
        let text =
            text.replace("[unix_http_server]\nfile=@sock@", &format!("[inet_http_server]\nport={port}"));
        let setup = setup(&text);
        let want = setup.fill(&format!("{want}\n"));
        assert_eq!(output(setup, &["p"]), [want]);
    }
}

#[test]
fn of_several_servers_the_first_unix_one_counts_else_the_last_inet_one() {
    if skipped() {
        return;
    }
    let other = harness::daemon::free_port();
    let inet = format!(
        "[inet_http_server:a]\nport=127.0.0.1:@port@\n[inet_http_server:b]\nport=127.0.0.1:{other}\n"
    );
    let unix = "[unix_http_server:z]\nfile=@dir@/z.sock\n[unix_http_server:y]\nfile=@dir@/y.sock\n";
    for (servers, want) in
        [(format!("{inet}{unix}"), "unix://@dir@/z.sock"), (inet, "http://127.0.0.1:OTHER")]
    {
        let text = config("", &[("p", "command=@puppet@ env-of SUPERVISOR_SERVER_URL")]);
        let setup = setup(&text.replace("[unix_http_server]\nfile=@sock@\n", &servers));
        let want = setup.fill(&format!("{}\n", want.replace("OTHER", &other.to_string())));
        assert_eq!(output(setup, &["p"]), [want]);
    }
}

#[test]
fn descriptors_that_the_daemon_was_started_with_are_not_passed_on() {
    if skipped() {
        return;
    }
    let text = config("", &[("p", "command=@puppet@ fds")]);
    let launcher = ["sh", "-c", "exec 7</dev/null 9</dev/null; exec \"$@\"", "sh"];
    let text = output(setup(&text).launcher(&launcher), &["p"]).remove(0);
    assert!(text.lines().count() == 3 && text.lines().all(|l| l.contains("pipe:")), "{text}");
}

#[test]
fn the_first_word_is_the_programs_name_as_it_was_written() {
    if skipped() {
        return;
    }
    let texts = run("", &[("p", "command=sh -c 'echo $0'"), ("q", "command=/bin/../bin/sh -c 'echo $0'")]);
    assert_eq!(texts, ["sh\n", "/bin/../bin/sh\n"]);
}

#[test]
fn a_program_without_a_control_server_has_no_url() {
    if skipped() {
        return;
    }
    let text = config("", &[("p", "command=@puppet@ env-of SUPERVISOR_SERVER_URL")]);
    let setup = setup(&text.replace("[unix_http_server]\nfile=@sock@\n", ""));
    assert_eq!(output(setup, &["p"]), ["unset\n"]);
}

#[test]
fn the_path_of_the_program_decides_where_its_command_is_looked_for() {
    if skipped() {
        return;
    }
    let text = config(
        "environment=PATH=\"@dir@/whole\"\n",
        &[
            ("own", "command=tool\nenvironment=PATH=\"/nowhere:@dir@/own\""),
            ("whole", "command=tool"),
            ("first", "command=tool\nenvironment=PATH=\"@dir@/plain:@dir@/own\"\nstartretries=0"),
            ("none", "command=printf x\nenvironment=PATH=\"\"\nstartretries=0"),
            ("quoted", "command=it\\'s\nstartretries=0"),
            ("empty", "command=\"\"\nenvironment=PATH=\"/no/such:/usr/bin\"\nstartretries=0"),
            ("dangling", "command=@dir@/dangling\nstartretries=0"),
        ],
    );
    let setup = setup(&text)
        .file("own/tool", "#!/bin/sh\necho own\n")
        .file("whole/tool", "#!/bin/sh\necho whole\n")
        .file("plain/tool", "#!/bin/sh\necho plain\n");
    for name in ["own/tool", "whole/tool"] {
        harness::temp::set_mode(&setup.dir().path().join(name), 0o755);
    }
    std::os::unix::fs::symlink("/no/such", setup.dir().join("dangling")).expect("the name is free");
    let sup = Sup::new(setup);
    sup.wait_log("exited: own ");
    sup.wait_log("exited: whole ");
    assert_eq!((sup.file("own.out"), sup.file("whole.out")), ("own\n".into(), "whole\n".into()));
    // The first that exists is taken, also when it cannot be executed.
    sup.wait_log(&sup.0.fill("spawnerr: command at '@dir@/plain/tool' is not executable\n"));
    // An empty PATH that is configured means the current directory.
    sup.wait_log("spawnerr: can't find command 'printf'\n");
    sup.wait_log("spawnerr: command at '/usr/bin/' is a directory\n");
    sup.wait_log(&sup.0.fill("spawnerr: can't find command '@dir@/dangling'\n"));
    // COMPAT: Python's quotes.
    sup.wait_log("spawnerr: can't find command \"it's\"\n");
    sup.finish();
}

#[test]
fn an_empty_path_of_the_daemon_is_the_usual_one() {
    if skipped() {
        return;
    }
    let text = config("", &[("p", "command=printf found")]);
    assert_eq!(output(setup(&text).clear_env().env("PATH", ""), &["p"]), ["found"]);
    let text = config("", &[("p", "command=printf found")]);
    assert_eq!(output(setup(&text).clear_env(), &["p"]), ["found"]);
}

#[test]
fn a_relative_directory_counts_from_where_the_daemon_stands() {
    if skipped() {
        return;
    }
    let texts = run(
        "",
        &[
            ("p", "command=@puppet@ cwd\ndirectory=child"),
            ("q", "command=@puppet@ cwd\ndirectory=no/such"),
            // A command by a relative path is looked for here and executed there.
            ("r", "command=./puppet cwd\ndirectory=child"),
            ("s", "command=./puppet cwd"),
        ],
    );
    assert!(texts[0].ends_with("/child\n"), "{}", texts[0]);
    let failed = |what: &str| {
        format!("supervisor: couldn't {what}: ENOENT\nsupervisor: child process was not spawned\n")
    };
    assert_eq!(texts[1], failed("chdir to no/such"));
    assert_eq!(texts[2], failed("exec ./puppet"));
    assert!(!texts[3].is_empty() && !texts[3].contains("couldn't"), "{}", texts[3]);
}

#[test]
fn a_user_who_may_not_enter_the_daemons_directory_stays_there_all_the_same() {
    if skipped() {
        return;
    }
    let text = config(
        "",
        &[
            ("p", "command=/bin/echo here\nuser=nobody"),
            ("q", "command=@puppet@ cwd\nuser=nobody\ndirectory=@dir@/closed"),
        ],
    );
    // The puppet's directory has to be open to it.
    let setup = setup(&text).file("closed/.keep", "").file("start/.keep", "").cwd("@dir@/start");
    harness::temp::set_mode(setup.dir().path(), 0o755);
    for closed in ["closed", "start"] {
        harness::temp::set_mode(&setup.dir().path().join(closed), 0o700);
    }
    let closed = setup.fill(
        "supervisor: couldn't chdir to @dir@/closed: EACCES\nsupervisor: child process was not spawned\n",
    );
    assert_eq!(output(setup, &["p", "q"]), ["here\n".to_string(), closed]);
}

#[test]
fn what_is_found_on_the_path_and_cannot_be_executed_is_named_as_it_was_written() {
    if skipped() {
        return;
    }
    let text = config("environment=PATH=\"@dir@/child\"\n", &[("p", "command=garbage a b")]);
    let setup = setup(&text).file("child/garbage", "\u{1}\u{2}\u{3}");
    harness::temp::set_mode(&setup.dir().path().join("child/garbage"), 0o755);
    assert_eq!(
        output(setup, &["p"]),
        ["supervisor: couldn't exec garbage: ENOEXEC\nsupervisor: child process was not spawned\n"]
    );
}

#[test]
fn an_interpreter_that_is_missing_is_the_programs_error() {
    if skipped() {
        return;
    }
    let text = config("", &[("p", "command=@dir@/script")]);
    let setup = setup(&text).file("script", "#!/no/such/interpreter\n");
    harness::temp::set_mode(&setup.dir().path().join("script"), 0o755);
    let want = setup
        .fill("supervisor: couldn't exec @dir@/script: ENOENT\nsupervisor: child process was not spawned\n");
    assert_eq!(output(setup, &["p"]), [want]);
}

#[test]
fn the_complaint_goes_to_stderr_and_the_code_is_127() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:p]\ncommand=@puppet@ hold\ndirectory=/no/such\nstartsecs=0\nautorestart=false\n\
         stdout_logfile=@dir@/p.out\nstderr_logfile=@dir@/p.err\n",
    );
    sup.wait_log("WARN exited: p (exit status 127; not expected)");
    assert_eq!(sup.file("p.out"), "");
    assert_eq!(
        sup.file("p.err"),
        "supervisor: couldn't chdir to /no/such: ENOENT\nsupervisor: child process was not spawned\n"
    );
    sup.finish();
}

#[test]
fn groups_of_a_user_are_all_that_name_it() {
    if skipped() {
        return;
    }
    // Whatever the machine has: what id(1) says.
    let want = harness::Cmd::new(&["id", "-G", "daemon"]).run().stdout;
    let mut groups: Vec<u32> = want.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    groups.sort_unstable();
    let texts = run("", &[("p", "command=@puppet@ ids\nuser=daemon"), ("q", "command=@puppet@ ids\nuser=1")]);
    assert_eq!(
        texts,
        [format!("uid 1 1 gid 1 1 groups {groups:?}\n"), format!("uid 1 1 gid 1 1 groups {groups:?}\n")]
    );
}

#[test]
fn the_daemons_own_user_is_left_as_it_is() {
    if skipped() {
        return;
    }
    // root stays in the groups the daemon was started with.
    let launcher = ["setpriv", "--groups=1,2,3", "--"];
    let text = config("", &[("p", "command=@puppet@ ids\nuser=root"), ("q", "command=@puppet@ ids")]);
    let want = "uid 0 0 gid 0 0 groups [1, 2, 3]\n";
    assert_eq!(output(setup(&text).launcher(&launcher), &["p", "q"]), [want, want]);
}

/// In the words of theirs: nobody cannot run its Python here, so only ours is run as nobody.
#[test]
fn without_root_no_other_user_can_be_had() {
    if skipped() {
        return;
    }
    let text = config(
        "",
        &[("p", "command=@dir@/puppet hold\nuser=daemon"), ("q", "command=@dir@/puppet ids\nuser=nobody")],
    );
    let text = text.replace("nodaemon=true\nsilent=true\nuser=root\n", "nodaemon=true\nsilent=true\n");
    let setup = setup(&text);
    for dir in ["", "child"] {
        harness::temp::set_mode(&setup.dir().path().join(dir), 0o777);
    }
    let launcher = if ours() {
        vec!["@puppet@", "setids", "65534", "65534", "exec"]
    } else {
        // Root without CAP_SETUID and CAP_SETGID fails at the groups.
        vec!["setpriv", "--bounding-set=-setuid,-setgid", "--"]
    };
    let sup = Sup::new(setup.launcher(&launcher));
    sup.wait_log("WARN exited: p (exit status 127; not expected)");
    let why = if ours() {
        "Can't drop privilege as nonroot user"
    } else {
        "Could not set groups of effective user"
    };
    let said =
        format!("supervisor: couldn't setuid to 1: {why}\nsupervisor: child process was not spawned\n");
    assert_eq!(sup.file("p.out"), said);
    if ours() {
        sup.wait_log("exited: q ");
        assert_eq!(sup.file("q.out"), "uid 65534 65534 gid 65534 65534 groups []\n");
    }
    sup.finish();
}

#[test]
fn root_without_the_right_to_change_says_which_step_failed() {
    if skipped() {
        return;
    }
    for (capability, why) in [
        ("-setgid", "Could not set groups of effective user"),
        ("-setuid", "Can't drop privilege as nonroot user"),
    ] {
        let text = config("", &[("p", "command=@puppet@ hold\nuser=daemon")]);
        let setup = setup(&text).launcher(&["setpriv", &format!("--bounding-set={capability}"), "--"]);
        let sup = Sup::new(setup);
        sup.wait_log("exited: p (exit status 127; not expected)");
        let text = sup.file("p.out");
        // Theirs dies of an unforeseen exception where the last step fails, and says only the second line.
        if capability == "-setgid" || ours() {
            assert_eq!(
                text,
                format!(
                    "supervisor: couldn't setuid to 1: {why}\nsupervisor: child process was not spawned\n"
                )
            );
        } else {
            assert!(text.ends_with("supervisor: child process was not spawned\n"), "{text}");
        }
        sup.finish();
    }
}

#[test]
fn umask_is_the_programs_or_the_daemons() {
    if skipped() {
        return;
    }
    let programs = [
        ("own", "command=@puppet@ umask\numask=002"),
        ("zero", "command=@puppet@ umask\numask=0"),
        ("prefixed", "command=@puppet@ umask\numask=0o077"),
        ("long", "command=@puppet@ umask\numask=0000026"),
        ("inherited", "command=@puppet@ umask"),
    ];
    // Trap 16: the umask of the whole has no effect in the foreground.
    let setup = setup(&config("umask=077\n", &programs)).launcher(&["@puppet@", "umask-set", "037", "exec"]);
    let names: Vec<&str> = programs.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        output(setup, &names),
        ["umask 002\n", "umask 000\n", "umask 077\n", "umask 026\n", "umask 037\n"]
    );
}

#[test]
fn a_child_has_an_empty_signal_mask_whatever_the_daemon_was_started_with() {
    if skipped() {
        return;
    }
    let text = config("", &[("p", "command=@puppet@ sigconf")]);
    let setup = setup(&text).launcher(&["@puppet@", "ignore", "INT,QUIT,USR1,PIPE", "exec"]);
    let text = output(setup, &["p"]).remove(0);
    let ignored = text
        .split_once("SigIgn: ")
        .and_then(|(_, t)| u64::from_str_radix(t.get(..16)?, 16).ok())
        .unwrap_or(0);
    let bit = |n: u64| 1u64 << (n - 1);
    assert!(text.contains("SigBlk: 0000000000000000\n"), "{text}");
    // What nobody handles stays ignored; trap 35 [D]: PIPE comes as it was found here, and XFSZ is not touched.
    let kept = bit(2) | bit(3) | bit(10) | bit(13);
    let theirs = bit(10) | bit(13) | bit(25);
    let watched = kept | bit(25);
    assert_eq!(ignored & watched, if ours() { kept } else { theirs }, "{text}");
}

#[test]
fn the_environment_of_the_whole_is_not_the_daemons_own() {
    if skipped() {
        return;
    }
    let sup = start_with("environment=ONLY=\"for programs\"\n", "[program:p]\ncommand=cat\nstartsecs=0\n");
    sup.wait_state("p", "RUNNING");
    let own = std::fs::read(format!("/proc/{}/environ", sup.0.pid())).unwrap_or_default();
    assert!(!String::from_utf8_lossy(&own).contains("ONLY="));
    sup.finish();
}

/// Nobody but root may enter the directory that the daemon is started in; it runs as somebody else.
fn forbidden(text: &str) -> harness::Setup {
    let setup = setup(text).file("start/.keep", "").cwd("@dir@/start");
    harness::temp::set_mode(setup.dir().path(), 0o777);
    harness::temp::set_mode(&setup.dir().path().join("start"), 0o700);
    setup
}

#[test]
fn a_daemon_that_may_not_enter_its_directory_starts_programs_in_it() {
    // Theirs does so too; but its Python may lie where only root can read it.
    if skipped() || !ours() {
        return;
    }
    let program = "[program:p]\ncommand=readlink /proc/self/cwd\nstartsecs=0\nautorestart=false\nstdout_logfile=@dir@/p.out\n";
    let text = format!(
        "[supervisord]\nnodaemon=true\nsilent=true\nlogfile=@dir@/main.log\npidfile=@dir@/d.pid\nchildlogdir=@dir@\n\
         USER\n{program}"
    );
    let somebody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    for (user, launcher) in [("user=nobody", &[] as &[&str]), ("", &somebody)] {
        let daemon = forbidden(&text.replace("USER", user)).launcher(launcher).start();
        let out = || daemon.dir().read("p.out");
        wait_until("the program has said where it is", || out().lines().count() == 1);
        daemon.signal(1);
        wait_until("and again in the next life", || out().lines().count() == 2);
        assert_eq!(out(), daemon.fill("@dir@/start\n@dir@/start\n"), "{user}");
        daemon.finish();
    }
}

#[test]
fn a_daemon_whose_directory_is_deleted_goes_on() {
    if skipped() {
        return;
    }
    let program = "[program:p]\ncommand=@puppet@ touch @dir@/up hold\nstartsecs=0\nautostart=false\nautorestart=false\n";
    let setup = setup(&format!("{}{program}", header(""))).file("gone/.keep", "").cwd("@dir@/gone");
    let sup = Sup::new(setup);
    sup.wait_state("p", "STOPPED");
    std::fs::remove_dir_all(sup.0.dir().path().join("gone")).expect("it is ours");
    sup.ctl_says(&["start", "p"], 0, "p: started\n");
    wait_until("it runs", || sup.0.dir().path().join("up").exists());
    sup.wait_state("p", "RUNNING");
    sup.finish();
}
