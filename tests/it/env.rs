//! The same from variables alone, and variables over a file.

use crate::support::ini;
use harness::{Setup, wait_until};

#[test]
fn a_variable_that_is_no_text_is_inherited_byte_for_byte_and_refused_where_it_is_used() {
    let bytes = ["sh", "-c", "X=$(printf 'a\\377b') exec \"$@\"", "sh"];
    let program =
        "[program:p]\ncommand=sh -c 'printf %%s \"$X\" > @dir@/x; exec @puppet@ hold'\nstdout_logfile=none\n";
    let daemon = ini(program).launcher(&bytes).start();
    let x = daemon.dir().path().join("x");
    wait_until("it has told", || std::fs::read(&x).is_ok_and(|text| text == b"a\xffb"));
    daemon.finish();
    let daemon = ini("[program:p]\ncommand=@puppet@ say %(ENV_X)s hold\n").launcher(&bytes).start();
    daemon
        .wait_said("cannot expand `command` of [program:p]: the environment variable `X` is not UTF-8 text");
    daemon.ended(2);
}

#[test]
fn programs_run_from_variables_alone() {
    let daemon = Setup::variables(&[
        ("MAINSTAY_PROGRAM__WEB__COMMAND", "@puppet@ say 'from a variable' env-of Key hold"),
        ("MAINSTAY_PROGRAM__WEB__ENVIRONMENT__Key", "kept case"),
        ("MAINSTAY_PROGRAM__MY_APP", "@puppet@ say short-form hold"),
        ("MAINSTAY_PROGRAM__MY_APP__STARTSECS", "0"),
        ("MAINSTAY_HTTP__LISTEN", "127.0.0.1:@port@"),
        ("MAINSTAY_CONTROL__UNIX", "@sock@"),
    ])
    .start();
    wait_until("both have spoken", || {
        let said = daemon.stdout();
        said.contains("from a variable\nkept case\n") && said.contains("short-form\n")
    });
    daemon.wait_state("my_app", "RUNNING");
    daemon.wait_state("web", "RUNNING");
    wait_until("it is ready", || daemon.get("/readyz").is_some_and(|a| a.status == 200));
    daemon.finish();
}

#[test]
fn values_are_literal() {
    let daemon = Setup::variables(&[
        ("MAINSTAY_PROGRAM__WEB", "@puppet@ env-of V hold"),
        ("MAINSTAY_PROGRAM__WEB__ENVIRONMENT__V", "${HOME} $x"),
        ("MAINSTAY_CONTROL__UNIX", "@sock@"),
    ])
    .start();
    daemon.wait_said("${HOME} $x\n");
    daemon.finish();
}

#[test]
fn variables_override_a_file() {
    let daemon = Setup::toml("[control]\nunix = \"@sock@\"\n[program.web]\ncommand = \"@puppet@ say from-file hold\"\nstartsecs = 60\n")
        .env("MAINSTAY_PROGRAM__WEB__COMMAND", "@puppet@ say from-variable hold")
        .env("MAINSTAY_PROGRAM__WEB__STARTSECS", "0")
        .env("MAINSTAY_PROGRAM__EXTRA", "@puppet@ say extra hold")
        .start();
    daemon.wait_said("from-variable");
    daemon.wait_said("extra");
    daemon.wait_state("web", "RUNNING");
    assert!(!daemon.stdout().contains("from-file"));
    daemon.finish();
}

#[test]
fn a_variable_that_means_nothing_is_an_error_with_the_nearest_name() {
    let daemon =
        Setup::variables(&[("MAINSTAY_PROGRAM__WEB", "cat"), ("MAINSTAY_PROGRAM__WEB__STARTSEC", "1")])
            .start();
    assert_eq!(daemon.wait_exit(), 2);
    wait_until("it has said why", || daemon.stderr().contains("STARTSEC"));
    wait_until("it has named the nearest", || daemon.stderr().to_lowercase().contains("startsecs"));
}

#[test]
fn it_ends_with_the_only_program() {
    let daemon = Setup::variables(&[
        ("MAINSTAY_PROGRAM__ONE", "@puppet@ exit 6"),
        ("MAINSTAY_PROGRAM__ONE__AUTORESTART", "false"),
        ("MAINSTAY_PROGRAM__ONE__STARTSECS", "0"),
    ])
    .start();
    daemon.ended(6);
}
