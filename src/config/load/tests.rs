use super::*;
use crate::config::NOT_TEXT;
use crate::config::model::{Autorestart, LogTarget, MainLog, StdStream, Stdin};
use crate::config::testing::{FakeWorld, load_text};

fn sources(env: &[(&str, &str)]) -> Sources {
    Sources { env: env.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(), ..Sources::default() }
}

fn run(sources: &Sources, files: &[(&str, &str)]) -> Loaded {
    load(sources, &FakeWorld::with(files)).unwrap_or_else(|found| panic!("{}", found.render()))
}

#[test]
fn a_variable_that_is_no_text_is_refused_where_it_is_used_and_named() {
    let ini = |command: &str| format!("[supervisord]\n[program:p]\ncommand={command}\n");
    let toml = |command: &str| format!("[program.p]\ncommand = \"{command}\"\n");
    let own = ("MAINSTAY_PROGRAM__Q", "x %(ENV_X)s");
    for (path, text, env) in [
        ("/e/s.conf", ini("x %(ENV_X)s"), &[][..]),
        ("/e/m.toml", toml("x ${X}"), &[]),
        ("/e/m.toml", toml("x ${X:-y}"), &[]),
        ("/e/m.toml", toml("x %(ENV_X)s"), &[]),
        ("/e/m.toml", toml("x"), &[own]),
        ("/e/m.toml", toml("x"), &[("MAINSTAY_PROGRAM__X", NOT_TEXT)]),
    ] {
        let env = [&[("X", NOT_TEXT)], env].concat();
        let found = load_text(path, &text, &env).expect_err(&text).render();
        let is_named = ["`X` is not", "`${X}`: the value", "__X` is not"].iter().any(|w| found.contains(w));
        assert!(is_named && found.contains("not UTF-8"), "{text}: {found}");
        assert!(!found.contains('\0'), "{text}: {found:?}");
    }
    for (path, text) in [("/e/s.conf", ini("x")), ("/e/m.toml", toml("x"))] {
        assert!(load_text(path, &text, &[("X", NOT_TEXT)]).is_ok(), "{text}");
    }
}

#[test]
fn the_environment_overrides_a_file_and_the_command_line_both() {
    let mut from =
        sources(&[("MAINSTAY_SUPERVISOR__LOGLEVEL", "debug"), ("MAINSTAY_SUPERVISOR__IDENTIFIER", "env")]);
    from.file = Some("/e/s.conf".into());
    from.overrides = vec![("identifier".into(), "flag".into())];
    let config =
        run(&from, &[("/e/s.conf", "[supervisord]\nloglevel=warn\nidentifier=file\nminfds=7\n")]).config;
    assert_eq!(config.supervisor.loglevel, LogLevel::Debug);
    assert_eq!(config.supervisor.identifier, "flag");
    assert_eq!(config.supervisor.minfds, 7);
}

#[test]
fn a_program_of_the_environment_changes_the_one_of_the_file_and_keeps_its_defaults() {
    let mut from = sources(&[
        ("MAINSTAY_PROGRAM__MY_APP__COMMAND", "new"),
        ("MAINSTAY_PROGRAM__MY_APP__STARTSECS", "500ms"),
    ]);
    from.file = Some("/e/s.conf".into());
    let config = run(&from, &[("/e/s.conf", "[supervisord]\n[program:my-app]\ncommand=old\n")]).config;
    assert_eq!(config.dialect, Dialect::Ini);
    let program = &config.groups[0].programs[0];
    assert_eq!(
        (program.name.as_str(), program.command.as_str(), program.startsecs_ms),
        ("my-app", "new", 500)
    );
    assert_eq!(program.stdout.target, LogTarget::Auto);
}

#[test]
fn programs_may_come_from_the_environment_alone() {
    let config = run(&sources(&[("MAINSTAY_PROGRAM__WEB", "nginx -g 'daemon off;'")]), &[]).config;
    assert_eq!((config.dialect, config.path), (Dialect::Env, None));
    let program = &config.groups[0].programs[0];
    assert_eq!(program.argv, Ok(vec!["nginx".into(), "-g".into(), "daemon off;".into()]));
    assert!(program.stopasgroup);
    assert_eq!(config.supervisor.log_stream, Some(StdStream::Stderr));
}

#[test]
fn without_anything_three_ways_to_begin_are_shown() {
    let found = load(&sources(&[]), &FakeWorld::default()).map(|_| ()).unwrap_err();
    let hint = found.items[0].hint.clone().unwrap();
    for way in ["-c FILE", "MAINSTAY_PROGRAM__", "-- CMD"] {
        assert!(hint.contains(way), "{hint}");
    }
}

fn said(env: &[(&str, &str)]) -> Vec<String> {
    let found = load(&sources(env), &FakeWorld::default()).map(|_| ()).unwrap_err();
    let line = |d: &Diagnostic| format!("{} ({})", d.message, d.hint.as_deref().unwrap_or(""));
    found.items.iter().map(line).collect()
}

#[test]
fn a_misspelt_variable_is_one_finding() {
    assert_eq!(
        said(&[("MAINSTAY_PROGRAM__WEB__COMAND", "x")]),
        ["unknown setting `comand` in MAINSTAY_PROGRAM__WEB (did you mean `command`?)"]
    );
    assert_eq!(
        said(&[("MAINSTAY_PROGRM__WEB", "x")]),
        ["unknown environment variable `MAINSTAY_PROGRM__WEB` (did you mean `MAINSTAY_PROGRAM__WEB`?)"]
    );
    let other = said(&[("MAINSTAY_PROGRAM__WEB__AUTOSTRAT", "true")]);
    assert!(other.len() == 2 && other.iter().any(|line| line.contains("`command` is missing")), "{other:?}");
}

#[test]
fn a_misspelt_key_of_ini_is_a_warning_and_the_missing_one_an_error() {
    let mut from = sources(&[]);
    from.file = Some("/e/s.conf".into());
    let files = FakeWorld::with(&[("/e/s.conf", "[supervisord]\n[program:a]\ncomand=x\n")]);
    let found = load(&from, &files).map(|_| ()).unwrap_err();
    assert!(found.items.iter().any(|d| d.message.contains("`command` is missing")), "{found:?}");
}

#[test]
fn supervisors_places_are_searched_in_its_order() {
    let search = Search::Supervisord { argv0: "/opt/v/bin/supervisord".into() };
    assert_eq!(places(&search)[..2], ["/opt/v/etc/supervisord.conf", "/opt/v/supervisord.conf"]);
    let mut from = sources(&[]);
    from.search = search;
    let found = load(&from, &FakeWorld::default()).map(|_| ()).unwrap_err();
    assert_eq!(
        found.supervisor(),
        Some(
            "No config file found at default paths (/opt/v/etc/supervisord.conf, /opt/v/supervisord.conf, \
             supervisord.conf, etc/supervisord.conf, /etc/supervisord.conf, /etc/supervisor/supervisord.conf); use \
             the -c option to specify a config file at a different path"
        )
    );
    let files =
        [("/etc/supervisord.conf", "[supervisord]\n"), ("/etc/supervisor/supervisord.conf", "broken")];
    assert_eq!(run(&from, &files).config.path, Some("/etc/supervisord.conf".into()));
}

#[test]
fn our_places_come_first() {
    let mut from = sources(&[]);
    from.search = Search::Mainstay { argv0: "/mainstay".into() };
    let files = [
        ("/etc/supervisord.conf", "broken"),
        ("/etc/mainstay/mainstay.toml", "[program.a]\ncommand = \"x\"\n"),
    ];
    assert_eq!(run(&from, &files).config.dialect, Dialect::Toml);
}

#[test]
fn a_command_becomes_the_main_program() {
    let mut from = sources(&[]);
    from.main_command = Some(vec!["sleep".into(), "1 2".into()]);
    let config = run(&from, &[]).config;
    let program = &config.groups[0].programs[0];
    assert_eq!((program.name.as_str(), program.group.as_str(), program.main), ("main", "main", true));
    assert_eq!(program.argv, Ok(vec!["sleep".into(), "1 2".into()]));
    assert_eq!(
        (program.autorestart, program.stdin, program.startsecs_ms),
        (Autorestart::Never, Stdin::Inherit, 0)
    );
    assert_eq!((&program.stdout.target, &program.stderr.target), (&LogTarget::Inherit, &LogTarget::Inherit));
}

#[test]
fn a_main_program_cannot_hide_another() {
    let mut from = sources(&[("MAINSTAY_PROGRAM__MAIN", "x")]);
    from.main_command = Some(vec!["y".into()]);
    assert!(load(&from, &FakeWorld::default()).is_err());
}

#[test]
fn further_files_are_put_on_top() {
    let mut from = sources(&[]);
    from.file = Some("/e/a.conf".into());
    from.extra_files = vec!["/e/b.toml".into(), "/e/c.conf".into()];
    let files = [
        ("/e/a.conf", "[supervisord]\n[program:x]\ncommand=1\nstartsecs=5\n"),
        ("/e/b.toml", "[program.x]\ncommand = [\"2\"]\n[program.y]\ncommand = \"3\"\n"),
        ("/e/c.conf", "[program:z]\ncommand=4\n"),
    ];
    let config = run(&from, &files).config;
    let shown: Vec<_> =
        config.processes().map(|p| (p.name.as_str(), p.command.as_str(), p.stopasgroup)).collect();
    assert_eq!(shown, [("x", "2", false), ("y", "3", true), ("z", "4", false)]);
    assert_eq!(config.groups[0].programs[0].startsecs_ms, 5_000);
}

#[test]
fn a_file_that_cannot_be_read_is_said_so_in_supervisors_words() {
    let mut from = sources(&[]);
    from.file = Some("/e/none.conf".into());
    let found = load(&from, &FakeWorld::default()).map(|_| ()).unwrap_err();
    assert_eq!(found.supervisor(), Some("could not find config file /e/none.conf"));
}

#[test]
fn damage_in_one_source_does_not_hide_another() {
    let mut from = sources(&[("MAINSTAY_NONSENSE__X", "1")]);
    from.file = Some("/e/s.conf".into());
    let found = load(&from, &FakeWorld::with(&[("/e/s.conf", "nonsense\n")])).map(|_| ()).unwrap_err();
    assert_eq!(found.items.len(), 2, "{}", found.render());
}

#[test]
fn option_errors_of_the_command_line_have_no_line() {
    let mut from = sources(&[]);
    from.file = Some("/e/s.conf".into());
    from.overrides = vec![("loglevel".into(), "loud".into())];
    let found = load(&from, &FakeWorld::with(&[("/e/s.conf", "[supervisord]\n")])).map(|_| ()).unwrap_err();
    assert_eq!(found.items[0].span.as_ref().unwrap().to_string(), "command line");
    assert_eq!(found.supervisor(), Some("bad logging level name 'loud'"));
}

/// Loads `[supervisord]` with these lines under an option of supervisord's command line.
fn under(lines: &str, key: &str, value: &str) -> Result<Config, Diagnostics> {
    let mut from = sources(&[]);
    from.file = Some("/e/s.conf".into());
    from.search = Search::Supervisord { argv0: "supervisord".into() };
    from.overrides = vec![(key.into(), value.into())];
    let text = format!("[supervisord]\n{lines}\n");
    load(&from, &FakeWorld::with(&[("/e/s.conf", &text)])).map(|loaded| loaded.config)
}

#[test]
fn supervisords_options_mean_what_they_mean_there() {
    let config = under("", "logfile", "none").expect("good");
    assert_eq!(config.supervisor.logfile, MainLog::File("/srv/none".into()));
    // Percent signs of an option are nothing but that.
    let config = under("", "identifier", "%(here)s 100%").expect("good");
    assert_eq!(config.supervisor.identifier, "%(here)s 100%");
    // A number that nobody has is no user, as in a file.
    let found = under("", "user", "4321").map(|_| ()).expect_err("nobody");
    assert_eq!(found.supervisor(), Some("Invalid user id 4321"));
}

#[test]
fn a_value_of_the_file_is_judged_though_supervisords_option_wins() {
    let found = under("loglevel=loud", "loglevel", "info").map(|_| ()).expect_err("loud");
    assert_eq!(found.supervisor(), Some("bad logging level name 'loud'"));
    assert_eq!(found.items.iter().map(|i| i.span.as_ref().map_or(0, |s| s.line)).collect::<Vec<_>>(), [2]);
    assert_eq!(under("loglevel=warn", "loglevel", "info").expect("good").supervisor.loglevel, LogLevel::Info);
    // Under our own name the last word is the only one.
    let mut from = sources(&[]);
    from.file = Some("/e/s.conf".into());
    from.overrides = vec![("loglevel".into(), "info".into())];
    let config = run(&from, &[("/e/s.conf", "[supervisord]\nloglevel=loud\n")]).config;
    assert_eq!(config.supervisor.loglevel, LogLevel::Info);
}

#[test]
fn every_option_of_supervisord_is_checked_before_a_file_is_read() {
    let world = FakeWorld::default();
    for (key, good, bad, words) in [
        ("umask", "022", "9", "9 can not be converted to an octal type"),
        ("directory", "/x", "/missing", "/missing is not an existing directory"),
        ("childlogdir", "/x", "/missing", "/missing is not an existing directory"),
        (
            "logfile",
            "syslog",
            "/missing/x",
            "The directory named as part of the path /missing/x does not exist",
        ),
        (
            "pidfile",
            "x.pid",
            "/missing/x",
            "The directory named as part of the path /missing/x does not exist",
        ),
        ("logfile_maxbytes", "5MB", "5K", "invalid literal for int() with base 10: '5k'"),
        ("logfile_backups", "-1", "x", "invalid literal for int() with base 10: 'x'"),
        ("minfds", " 1_0 ", "x", "invalid literal for int() with base 10: 'x'"),
        ("minprocs", "1", "1.5", "invalid literal for int() with base 10: '1.5'"),
        ("loglevel", "TRACE", "warning", "bad logging level name 'warning'"),
    ] {
        assert_eq!(check_option(key, good, &world), Ok(()), "{key}");
        assert_eq!(check_option(key, bad, &world).map_err(|(why, _)| why), Err(words.to_owned()), "{key}");
    }
    assert_eq!(check_option("identifier", "", &world), Ok(()));
}

#[test]
fn a_file_that_is_not_utf8_says_where_in_both_languages() {
    for path in ["/e/s.conf", "/e/m.toml"] {
        let mut world = FakeWorld::default();
        world.files.insert(path.into(), b"# one\n# caf\xe9\n".to_vec());
        let from = Sources { file: Some(path.into()), ..Sources::default() };
        let found = load(&from, &world).map(|_| ()).unwrap_err();
        let want = format!("cannot read `{path}`: line 2 is not UTF-8 text (byte 0xe9 at offset 11)");
        assert_eq!((found.items.len(), &found.items[0].message), (1, &want));
        assert_eq!(found.supervisor().is_some(), path == "/e/s.conf");
    }
}
