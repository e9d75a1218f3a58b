//! The command line of `supervisord`: Python's getopt, supervisord's sentences, two lines and exit code 2.

use crate::support::{ours, skipped};
use harness::{Cmd, Done, TempDir, bins};

/// A good file without programs, so that nothing but the words decides.
const GOOD: &str = "[supervisord]\nnodaemon=true\nuser=root\n";

/// Runs `supervisord WORDS` to its end in a directory of its own. `@dir@` stands for it, also in the answer;
/// `ARGV0` stands for our own name.
fn run_in(dir: &TempDir, line: &str) -> Done {
    let name = program(dir);
    let here = dir.path().display().to_string();
    let line = line.replace("@dir@", &here);
    let words: Vec<&str> = std::iter::once(name.as_str()).chain(line.split_whitespace()).collect();
    let mut done = Cmd::new(&words).cwd(&here).run();
    let masked = |text: &str| text.replace(&name, "ARGV0").replace(&here, "@dir@");
    done.stdout = masked(&done.stdout);
    done.stderr = without_warning(&masked(&done.stderr));
    done
}

/// The real one, or a link to ours.
fn program(dir: &TempDir) -> String {
    if !ours() {
        return bins::venv("supervisord").expect("skipped() has looked");
    }
    let link = dir.path().join("supervisord");
    if !link.exists() {
        std::os::unix::fs::symlink(bins::mainstay(), &link).expect("the directory is ours");
    }
    link.display().to_string()
}

/// Python tells root that the search path holds the current directory; we do not.
fn without_warning(text: &str) -> String {
    let lines = text.lines().filter(|l| !l.contains("UserWarning") && !l.contains("self.warnings.warn"));
    lines.map(|l| format!("{l}\n")).collect()
}

fn refused(line: &str, want: &str) {
    let dir = TempDir::new();
    dir.write("good.conf", GOOD);
    let done = run_in(&dir, line);
    let want = format!("Error: {want}\nFor help, use ARGV0 -h\n");
    assert_eq!((done.code(), done.stdout.as_str()), (2, ""), "{}", done.stderr);
    if ours() {
        // Advice may follow.
        assert!(done.stderr.starts_with(&want), "{}", done.stderr);
    } else {
        assert_eq!(done.stderr, want);
    }
}

macro_rules! refusals {
    ($($name:ident: $line:expr => $want:expr;)*) => {
        $(#[test]
        fn $name() {
            if !skipped() {
                refused($line, $want);
            }
        })*
    };
}

refusals! {
    an_unknown_word: "--bogus" => "option --bogus not recognized";
    an_unknown_word_with_a_value: "--bogus=1" => "option --bogus not recognized";
    an_unknown_letter: "-x" => "option -x not recognized";
    an_unknown_letter_in_a_cluster: "-nx" => "option -x not recognized";
    a_cluster_whose_last_letter_lacks_its_value: "-nc" => "option -c requires argument";
    a_letter_without_its_value: "-c" => "option -c requires argument";
    a_word_without_its_value: "--configuration" => "option --configuration requires argument";
    a_cut_word_is_named_in_full: "--conf" => "option --configuration requires argument";
    a_flag_with_a_value: "--nodaemon=1" => "option --nodaemon must not have an argument";
    a_flag_with_an_empty_value: "--nodaemon=" => "option --nodaemon must not have an argument";
    a_cut_flag_with_a_value: "--sil=1" => "option --silent must not have an argument";
    a_prefix_of_several_words: "--log x" => "option --log not a unique prefix";
    a_prefix_of_two_flags: "--no" => "option --no not a unique prefix";
    a_prefix_of_minfds_and_minprocs: "--min 3" => "option --min not a unique prefix";
    an_empty_prefix: "--=x" => "option -- not a unique prefix";
    a_positional_word: "-n foo" => "positional arguments are not supported: ['foo']";
    options_behind_a_positional_word_are_words: "foo -n" => "positional arguments are not supported: ['foo', '-n']";
    words_behind_two_dashes: "-- -n" => "positional arguments are not supported: ['-n']";
    a_single_dash_is_a_word: "-" => "positional arguments are not supported: ['-']";
    a_positional_word_with_a_quote: "x'y" => "positional arguments are not supported: [\"x'y\"]";
    a_positional_word_comes_before_help: "-h foo" => "positional arguments are not supported: ['foo']";
    an_unknown_option_comes_before_help: "-h -x" => "option -x not recognized";
    a_bad_value_before_help_is_seen_first: "-m 999 -h" => "invalid value for -m '999': 999 can not be converted to an octal type";
    a_flag_given_twice: "-n -n" => "conflicting command line option '-n'";
    a_flag_given_twice_by_letter_and_word: "-n --nodaemon" => "conflicting command line option '--nodaemon'";
    a_file_given_twice: "-c a --configuration=b" => "conflicting command line option '--configuration'";
    a_cut_word_given_twice_is_named_in_full: "-c a --conf=b" => "conflicting command line option '--configuration'";
    the_same_value_given_twice: "-i a -i a" => "conflicting command line option '-i'";
    profile_options_given_twice: "--profile_options=a --profile=b" => "conflicting command line option '--profile_options'";
    a_bad_minfds: "-a abc" => "invalid value for -a 'abc': invalid literal for int() with base 10: 'abc'";
    a_bad_minprocs: "--minprocs=x" => "invalid value for --minprocs 'x': invalid literal for int() with base 10: 'x'";
    a_bad_umask_by_its_word: "--umask=9" => "invalid value for --umask '9': 9 can not be converted to an octal type";
    a_bad_log_level: "-e verbose" => "invalid value for -e 'verbose': bad logging level name 'verbose'";
    a_bad_log_size: "-y 5K" => "invalid value for -y '5K': invalid literal for int() with base 10: '5k'";
    a_bad_number_of_logs: "-z x" => "invalid value for -z 'x': invalid literal for int() with base 10: 'x'";
    a_log_in_a_missing_directory: "-l /no/such/x" =>
        "invalid value for -l '/no/such/x': The directory named as part of the path /no/such/x does not exist";
    a_pidfile_in_a_missing_directory: "-j /no/such/x" =>
        "invalid value for -j '/no/such/x': The directory named as part of the path /no/such/x does not exist";
    a_missing_childlogdir: "-q /no/such" => "invalid value for -q '/no/such': /no/such is not an existing directory";
    a_missing_directory: "-d /no/such" => "invalid value for -d '/no/such': /no/such is not an existing directory";
    a_bad_value_comes_before_a_missing_file: "-c /no/such -m 9" => "invalid value for -m '9': 9 can not be converted to an octal type";
    a_missing_file: "-c /no/such.conf" => "could not find config file /no/such.conf";
    a_missing_relative_file_is_named_as_typed: "-c no-such.conf" => "could not find config file no-such.conf";
    a_directory_as_file: "-c @dir@" => "could not read config file @dir@";
    an_unknown_user: "-u nosuchuser -c good.conf" => "Invalid user name nosuchuser";
    an_unknown_uid: "-u 4123456 -c good.conf" => "Invalid user id 4123456";
}

#[test]
fn without_a_file_the_six_places_are_named() {
    if skipped() {
        return;
    }
    // Both stand in a directory whose parent has no configuration; theirs stands in its own `bin`.
    let dir = TempDir::new();
    let done = run_in(&dir, "-n");
    let above = std::path::Path::new(&program(&dir)).ancestors().nth(2).unwrap().display().to_string();
    let places = format!(
        "{above}/etc/supervisord.conf, {above}/supervisord.conf, supervisord.conf, etc/supervisord.conf, \
         /etc/supervisord.conf, /etc/supervisor/supervisord.conf"
    );
    let want = format!(
        "Error: No config file found at default paths ({places}); use the -c option to specify a config file at a \
         different path\nFor help, use ARGV0 -h\n"
    );
    assert_eq!(done.code(), 2);
    assert!(
        done.stderr.replace("@dir@", &dir.path().display().to_string()).starts_with(&want),
        "{}",
        done.stderr
    );
}

/// The file that is found, by the sentence about its only mistake.
fn found_in(files: &[&str]) -> String {
    let dir = TempDir::new();
    for file in files {
        dir.write(file, &format!("[supervisord]\nloglevel={}\n", file.replace('/', "_")));
    }
    run_in(&dir, "-n").stderr
}

#[test]
fn the_current_directory_is_searched_before_its_etc() {
    if skipped() {
        return;
    }
    let stderr = found_in(&["supervisord.conf", "etc/supervisord.conf"]);
    assert!(stderr.starts_with("Error: bad logging level name 'supervisord.conf'\n"), "{stderr}");
    let stderr = found_in(&["etc/supervisord.conf"]);
    assert!(stderr.starts_with("Error: bad logging level name 'etc_supervisord.conf'\n"), "{stderr}");
}

#[test]
fn the_directory_above_the_program_is_searched_first_and_links_are_not_followed() {
    if skipped() {
        return;
    }
    let dir = TempDir::new();
    dir.write("there/bin/x", "");
    dir.write("there/etc/supervisord.conf", "[supervisord]\nloglevel=beside-etc\n");
    dir.write("there/supervisord.conf", "[supervisord]\nloglevel=beside\n");
    dir.write("cwd/supervisord.conf", "[supervisord]\nloglevel=cwd\n");
    let link = dir.join("there/bin/supervisord");
    std::os::unix::fs::symlink(program(&dir), &link).unwrap();
    let say = |words: &[&str]| without_warning(&Cmd::new(words).cwd(&dir.join("cwd")).run().stderr);
    let error = |level: &str| format!("Error: bad logging level name '{level}'\n");
    assert!(say(&[&link, "-n"]).starts_with(&error("beside-etc")), "{}", say(&[&link, "-n"]));
    std::fs::remove_file(dir.join("there/etc/supervisord.conf")).unwrap();
    assert!(say(&[&link, "-n"]).starts_with(&error("beside")), "{}", say(&[&link, "-n"]));
    // A shell that finds it on the PATH tells the whole path.
    let path = format!("PATH={}:/usr/bin:/bin", dir.join("there/bin"));
    let by_path = say(&["env", &path, "sh", "-c", "supervisord -n"]);
    assert!(by_path.starts_with(&error("beside")), "{by_path}");
    std::fs::remove_file(dir.join("there/supervisord.conf")).unwrap();
    assert!(say(&[&link, "-n"]).starts_with(&error("cwd")), "{}", say(&[&link, "-n"]));
}

#[test]
fn version_and_help_go_to_stdout_with_0() {
    if skipped() {
        return;
    }
    let dir = TempDir::new();
    for line in ["-v", "--version", "--ver", "-nv", "-v -m 9"] {
        let done = run_in(&dir, line);
        assert_eq!((done.code(), done.stdout.as_str(), done.stderr.as_str()), (0, "4.3.0\n", ""), "{line}");
    }
    for line in ["-h", "--help", "-?", "-h -m 9", "-n --hel"] {
        let done = run_in(&dir, line);
        assert_eq!((done.code(), done.stderr.as_str()), (0, ""), "{line}");
        for option in
            ["-c", "configuration", "logfile_maxbytes", "nocleanup", "minprocs", "profile_options", "ARGV0"]
        {
            assert!(done.stdout.contains(option), "{option} in {}", done.stdout);
        }
    }
}

#[test]
fn a_value_of_the_file_is_judged_though_an_option_wins() {
    if skipped() {
        return;
    }
    let dir = TempDir::new();
    for (setting, line, want) in [
        ("loglevel=verbose", "-e info", "bad logging level name 'verbose'"),
        ("umask=9", "-m 22", "9 can not be converted to an octal type"),
        (
            "logfile=/no/such/x.log",
            "-l @dir@/x.log",
            "The directory named as part of the path /no/such/x.log does not exist",
        ),
        ("childlogdir=/no/such", "-q @dir@", "/no/such is not an existing directory"),
        ("minfds=many", "-a 20", "invalid literal for int() with base 10: 'many'"),
    ] {
        dir.write("c.conf", &format!("[supervisord]\n{setting}\n"));
        let done = run_in(&dir, &format!("-n -c c.conf {line}"));
        assert_eq!(done.code(), 2, "{setting}");
        assert!(done.stderr.starts_with(&format!("Error: {want}\n")), "{setting}: {}", done.stderr);
    }
}
