//! Mistakes in a configuration: all of them at once, each with its place and a hint; nothing is started.

use crate::support::mainstay;
use harness::{Cmd, Done, TempDir};

/// `mainstay check -c FILE` of this text.
fn check(name: &str, text: &str) -> (Done, String) {
    let dir = TempDir::new();
    let path = dir.write(name, text);
    (mainstay(&["check", "-c", &path]), path)
}

#[test]
fn a_good_file_is_ok() {
    let (done, path) =
        check("a.conf", "[supervisord]\n[program:web]\ncommand=cat\n[program:db]\ncommand=cat\n");
    done.expect(0);
    assert!((done.stdout + &done.stderr).contains(&format!("{path}: ok")));
}

#[test]
fn every_mistake_is_shown_at_once_with_its_place() {
    let text = "[supervisord]\n[program:web]\ncommand=cat\nstartsecs=abc\nautorestart=maybe\n[program:db]\nuser=nosuchuser\n";
    let (done, path) = check("a.conf", text);
    done.expect(2);
    for (line, word) in [(4, "abc"), (5, "maybe"), (7, "nosuchuser")] {
        done.says(word).says(&format!("{path}:{line}:"));
    }
    done.says("command").says("error: ");
}

#[test]
fn a_misspelt_key_is_a_warning_in_ini_and_an_error_in_toml() {
    let (done, path) = check("a.conf", "[supervisord]\n[program:web]\ncommand=cat\nautorestrat=true\n");
    done.expect(0).says("autorestrat").says("autorestart").says(&format!("{path}:4:1"));
    let (done, path) = check("a.toml", "[program.web]\ncommand = \"cat\"\nautorestrat = true\n");
    done.expect(2).says("autorestrat").says("autorestart").says(&format!("{path}:3:1")).says("hint");
}

#[test]
fn an_unknown_user_is_named_with_its_place() {
    let (done, path) = check("a.conf", "[supervisord]\n[program:web]\ncommand=cat\nuser=nosuchuser\n");
    done.expect(2).says("nosuchuser").says(&format!("{path}:4:")).says("user");
}

#[test]
fn a_log_in_a_missing_directory_is_named_with_a_hint() {
    let (done, path) =
        check("a.conf", "[supervisord]\n[program:web]\ncommand=cat\nstdout_logfile=/no/such/web.log\n");
    done.expect(2).says("/no/such").says(&format!("{path}:4:")).says("hint");
}

#[test]
fn an_unset_variable_is_named_and_no_other_is_shown() {
    let dir = TempDir::new();
    let path = dir.write("a.conf", "[supervisord]\n[program:web]\ncommand=cat %(ENV_SURELY_NOT_SET)s\n");
    let done = harness::Cmd::new(&[harness::mainstay().as_str(), "check", "-c", &path])
        .env("SECRET", "hunter2")
        .run();
    done.expect(2).says("SURELY_NOT_SET").says(&format!("{path}:3:"));
    assert!(!done.stderr.contains("hunter2"), "{}", done.stderr);
    let path = dir.write("a.toml", "[program.web]\ncommand = \"cat ${SURELY_NOT_SET}\"\n");
    let done = harness::Cmd::new(&[harness::mainstay().as_str(), "check", "-c", &path])
        .env("SECRET", "hunter2")
        .run();
    done.expect(2).says("SURELY_NOT_SET").says(&format!("{path}:2:"));
    assert!(!done.stderr.contains("hunter2"), "{}", done.stderr);
}

#[test]
fn broken_toml_has_a_place() {
    let (done, path) = check("a.toml", "[program.web]\ncommand = \"cat\n");
    done.expect(2).says(&format!("{path}:2:"));
}

#[test]
fn run_refuses_what_check_refuses_and_starts_nothing() {
    let dir = TempDir::new();
    let text = format!(
        "[supervisord]\nnodaemon=true\n[program:web]\ncommand={} touch {}\n[program:db]\ncommand=cat\nstartsecs=abc\n",
        harness::puppet(),
        dir.join("started")
    );
    let path = dir.write("a.conf", &text);
    let done = mainstay(&["run", "-c", &path]);
    done.expect(2).says("abc").says(&format!("{path}:7:"));
    assert!(!dir.path().join("started").exists());
}

#[test]
fn a_missing_file_is_named() {
    mainstay(&["run", "-c", "/no/such/file.conf"]).expect(2).says("/no/such/file.conf");
    mainstay(&["check", "-c", "/no/such/file.toml"]).expect(2).says("/no/such/file.toml");
}

#[test]
fn a_file_whose_name_is_no_text_is_refused_with_the_reason() {
    let dir = TempDir::new();
    dir.write("x", "[supervisord]\n");
    std::os::unix::fs::symlink(harness::mainstay(), dir.path().join("supervisord"))
        .expect("the directory is ours");
    for words in ["\"$0\" run", "\"$0\" check", "./supervisord -n"] {
        let script = format!("name=$(printf 'a\\377.conf'); ln -sf x \"$name\"; {words} -c \"$name\"");
        let done = Cmd::new(&["sh", "-c", &script, &harness::mainstay()])
            .cwd(&dir.path().display().to_string())
            .run();
        done.expect(2).says("its name is not UTF-8");
    }
}

#[test]
fn nothing_to_run_at_all_says_how_to_begin() {
    let dir = TempDir::new();
    let done = harness::Cmd::new(&[harness::mainstay().as_str(), "run"])
        .clear_env()
        .cwd(&dir.path().display().to_string())
        .run();
    if std::path::Path::new("/etc/supervisord.conf").exists()
        || std::path::Path::new("/etc/supervisor/supervisord.conf").exists()
    {
        return println!("skipped: this machine has a supervisord.conf");
    }
    done.expect(2).says("hint");
}

#[test]
fn settings_that_are_not_supported_yet_are_refused_and_named() {
    let (done, path) = check("a.toml", "[program.web]\ncommand = \"cat\"\ndepends_on = [\"db\"]\n");
    done.expect(2).says("depends_on").says(&format!("{path}:3:"));
}

#[test]
fn print_shows_no_secrets() {
    let dir = TempDir::new();
    let text = "[supervisord]\n[program:web]\ncommand=cat\nenvironment=TOKEN=\"hunter2\"\n[inet_http_server]\nport=127.0.0.1:9\nusername=u\npassword=hunter3\n";
    let path = dir.write("a.conf", text);
    for form in ["toml", "ini", "env", "json"] {
        let done = mainstay(&["check", "-c", &path, "--print", form]);
        done.expect(0);
        let text = done.stdout + &done.stderr;
        assert!(!text.contains("hunter2") && !text.contains("hunter3"), "{form}: {text}");
        assert!(text.contains("cat"), "{form}: {text}");
    }
}

#[test]
fn usage_mistakes_are_2() {
    for words in [&["--no-such-option"][..], &["run", "--no-such-option"], &["nosuchword"]] {
        assert_eq!(mainstay(words).code(), 2, "{words:?}");
    }
}

#[test]
fn the_way_from_ini_to_toml_keeps_the_programs() {
    let dir = TempDir::new();
    let path =
        dir.write("a.conf", "[supervisord]\n[program:web]\ncommand=cat -u\nstartsecs=7\nautostart=false\n");
    let toml = mainstay(&["check", "-c", &path, "--print", "toml"]);
    toml.expect(0);
    let path = dir.write("b.toml", &toml.stdout);
    let again = mainstay(&["check", "-c", &path, "--print", "toml"]);
    again.expect(0);
    assert!(again.stdout.contains("cat -u") && again.stdout.contains("startsecs = 7"), "{}", again.stdout);
}

#[test]
fn variables_that_are_printed_make_the_same_programs() {
    let samples = harness::bins::workspace().join("samples");
    for sample in ["supervisord.conf", "mainstay.toml", "demo.toml"] {
        let path = samples.join(sample).display().to_string();
        let printed = |cmd: Cmd| {
            let done = cmd.run();
            done.expect(0);
            done.stdout
        };
        let check = |words: &[&str]| Cmd::new(&[&[harness::mainstay().as_str(), "check"], words].concat());
        let env = printed(check(&["-c", &path, "--print", "env", "--show-secrets"]));
        assert!(!env.contains("# left out, because"), "{env}");
        // Without a file, and with nothing else to find one by.
        let dir = TempDir::new();
        let mut again =
            check(&["--print", "env", "--show-secrets"]).clear_env().cwd(&dir.path().display().to_string());
        for (name, value) in env.lines().filter_map(|line| line.split_once('=')) {
            again = again.env(name, value);
        }
        let lines = |text: &str| {
            let mut lines: Vec<String> =
                text.lines().filter(|l| l.contains('=')).map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(&printed(again)), lines(&env), "{sample}");
    }
}
