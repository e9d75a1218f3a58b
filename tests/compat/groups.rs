//! Groups, includes, the `[DEFAULT]` section, and how names come about.

use crate::support::{Sup, header, setup, skipped, start};

fn names(sup: &Sup) -> Vec<String> {
    let table = sup.ctl(&["status"]).stdout;
    table.lines().filter_map(|l| l.split_whitespace().next()).map(str::to_string).collect()
}

#[test]
fn members_are_named_group_colon_program_and_sorted() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:web]\ncommand=@puppet@ env-of SUPERVISOR_GROUP_NAME args %(group_name)s\nstartsecs=0\nautorestart=false\nstdout_logfile=@dir@/web\n\
         [program:api]\ncommand=cat\nstartsecs=0\n[program:solo]\ncommand=cat\nstartsecs=0\n[group:site]\nprograms=web,api\n",
    );
    sup.wait_log("exited: web");
    sup.wait_log("success: solo");
    assert_eq!(names(&sup), ["site:api", "site:web", "solo"]);
    assert_eq!(sup.file("web"), "site\n[\"site\"]\n");
    sup.ctl_says(&["stop", "site:*"], 0, "site:api: stopped\n");
    assert_eq!(sup.status("site:api").0, "STOPPED");
    assert_eq!(sup.status("solo").0, "RUNNING");
    sup.finish();
}

#[test]
fn a_program_in_two_groups_runs_once_in_each() {
    if skipped() {
        return;
    }
    let sup = start("[program:p]\ncommand=cat\nstartsecs=0\n[group:a]\nprograms=p\n[group:b]\nprograms=p\n");
    sup.wait_log_times("success: p", 2);
    assert_eq!(names(&sup), ["a:p", "b:p"]);
    sup.finish();
}

#[test]
fn a_group_without_programs_is_empty() {
    if skipped() {
        return;
    }
    let sup = start("[program:p]\ncommand=cat\nstartsecs=0\n[group:g]\npriority=1\n");
    sup.wait_log("success: p");
    assert_eq!(names(&sup), ["p"]);
    sup.finish();
}

#[test]
fn a_group_of_numbered_processes() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:w]\ncommand=cat\nnumprocs=2\nprocess_name=n%(process_num)d\nstartsecs=0\n[group:g]\nprograms=w\n",
    );
    sup.wait_log_times("success: n", 2);
    assert_eq!(names(&sup), ["g:n0", "g:n1"]);
    sup.finish();
}

#[test]
fn process_name_alone_renames() {
    if skipped() {
        return;
    }
    let sup = start("[program:p]\ncommand=cat\nprocess_name=other\nstartsecs=0\n");
    sup.wait_log("spawned: 'other'");
    assert_eq!(names(&sup), ["p:other"]);
    sup.finish();
}

#[test]
fn names_are_trimmed_and_sections_are_case_sensitive() {
    if skipped() {
        return;
    }
    // Trap 9 [K].
    let sup = start("[program: p]\ncommand=cat\nstartsecs=0\n[Program:q]\ncommand=cat\n");
    sup.wait_log("success: p");
    assert_eq!(names(&sup), ["p"]);
    sup.finish();
}

#[test]
fn equal_sections_merge_and_default_applies_to_all() {
    if skipped() {
        return;
    }
    // Trap 8 [K]. Without a server: theirs hands the defaults to its RPC interface too, which refuses them.
    let sup = Sup::new(setup(
        "[DEFAULT]\nautostart=false\n[supervisord]\nnodaemon=true\nuser=root\nlogfile=@dir@/main.log\npidfile=@dir@/d.pid\n\
         childlogdir=@dir@/child\n[program:a]\ncommand=cat\n[program:b]\ncommand=false\n\
         [program:z]\ncommand=cat\nautostart=true\nstartsecs=0\n[program:b]\ncommand=cat\nautostart=true\nstartsecs=0\n",
    ));
    sup.wait_log("success: z");
    sup.wait_log("success: b");
    assert!(!sup.log().contains("spawned: 'a'"), "{}", sup.log());
    sup.finish();
}

#[test]
fn includes_are_sorted_merged_and_not_nested() {
    if skipped() {
        return;
    }
    let program = |text: &str| format!("[program:p]\ncommand=@dir@/puppet args {text} %(here)s\n");
    let main = format!(
        "{}[include]\nfiles = conf/*.ini  none/*.conf\n\
         [program:p]\nstartsecs=0\nautorestart=false\nstdout_logfile=@dir@/p\ncommand=false\n",
        header("")
    );
    let setup = setup(&main)
        .file("conf/b.ini", &program("from-b"))
        .file(
            "conf/a.ini",
            &(program("from-a") + "[include]\nfiles=../more.ini\n[program:added]\ncommand=cat\n"),
        )
        .file("more.ini", "[program:never]\ncommand=cat\n");
    let sup = Sup::new(setup);
    sup.wait_log("exited: p");
    // The last file read counts, and `here` is that file's directory.
    assert_eq!(sup.file("p"), sup.0.fill("[\"from-b\", \"@dir@/conf\"]\n"));
    assert_eq!(names(&sup), ["added", "p"]);
    let log = sup.log();
    for file in ["a", "b"] {
        assert!(
            log.contains(
                &sup.0.fill(&format!("INFO Included extra file \"@dir@/conf/{file}.ini\" during parsing\n"))
            ),
            "{log}"
        );
    }
    assert!(log.contains(&sup.0.fill("WARN No file matches via include \"@dir@/none/*.conf\"\n")), "{log}");
    sup.finish();
}

#[test]
fn an_include_may_change_the_supervisord_section() {
    if skipped() {
        return;
    }
    // Trap 15 [K].
    let main = header("")
        + "[include]\nfiles=%(here)s/x.ini\n[program:p]\ncommand=@puppet@ env-of A\nstartsecs=0\nautorestart=false\nstdout_logfile=@dir@/p\n";
    let sup = Sup::new(setup(&main).file("x.ini", "[supervisord]\nenvironment=A=\"included\"\n"));
    sup.wait_log("exited: p");
    assert_eq!(sup.file("p"), "included\n");
    sup.finish();
}

#[test]
fn variables_of_the_daemon_expand_everywhere() {
    if skipped() {
        return;
    }
    let main = header("")
        + "[program:p]\ncommand=@puppet@ args %(ENV_WORD)s\nautostart=%(ENV_YES)s\nstartsecs=%(ENV_ZERO)s\npriority=%(ENV_ZERO)s\n\
           autorestart=false\nstdout_logfile=@dir@/%(ENV_WORD)s.out\ndirectory=%(ENV_DIR)s\n";
    let setup = setup(&main).env("WORD", "50%off").env("YES", "true").env("ZERO", "0").env("DIR", "/");
    // A per cent sign in a value is text where one pass is made; a log file takes two (trap 4).
    let setup = setup.env("WORD", "fifty");
    let sup = Sup::new(setup);
    sup.wait_log("exited: p");
    assert_eq!(sup.file("fifty.out"), "[\"fifty\"]\n");
    sup.finish();
}

#[test]
fn a_percent_sign_in_a_variable_is_text() {
    if skipped() {
        return;
    }
    let main = header("")
        + "[program:p]\ncommand=@puppet@ args %(ENV_WORD)s\nstartsecs=0\nautorestart=false\nstdout_logfile=@dir@/p\n";
    let sup = Sup::new(setup(&main).env("WORD", "50%off"));
    sup.wait_log("exited: p");
    assert_eq!(sup.file("p"), "[\"50%off\"]\n");
    sup.finish();
}

#[test]
fn windows_line_ends_and_tabs_are_blanks() {
    if skipped() {
        return;
    }
    let main = header("")
        + "[program:p]\r\ncommand\t=\t@puppet@ args x\t; note\r\nstartsecs = 0\r\nautorestart=false\r\nstdout_logfile=@dir@/p\r\n";
    let sup = Sup::new(setup(&main));
    sup.wait_log("exited: p");
    assert_eq!(sup.file("p"), "[\"x\"]\n");
    sup.finish();
}
