use super::address::{address, addresses};
use super::command::command;
use super::logs::{LogChoice, log_choice, main_log};
use super::pairs::pairs;
use super::people::{owner, user};
use super::*;
use crate::config::model::{LogTarget, MainLog, StdStream};
use crate::config::testing::FakeWorld;

fn read<T>(
    dialect: Dialect,
    value: &RawValue,
    convert: fn(&Input<'_>) -> Result<T, Bad>,
) -> Result<T, String> {
    let world = FakeWorld::default();
    convert(&Input { value, dialect, line: "", create_directories: false, world: &world })
        .map_err(|bad| bad.words)
}

fn ini<T>(text: &str, convert: fn(&Input<'_>) -> Result<T, Bad>) -> Result<T, String> {
    read(Dialect::Ini, &RawValue::Text(text.into()), convert)
}

fn toml<T>(value: RawValue, convert: fn(&Input<'_>) -> Result<T, Bad>) -> Result<T, String> {
    read(Dialect::Toml, &value, convert)
}

fn env<T>(text: &str, convert: fn(&Input<'_>) -> Result<T, Bad>) -> Result<T, String> {
    read(Dialect::Env, &RawValue::Text(text.into()), convert)
}

fn word(text: &str) -> RawValue {
    RawValue::Text(text.into())
}

#[test]
fn booleans_are_eight_words_in_any_case() {
    for text in ["yes", "True", "ON", "1"] {
        assert_eq!(ini(text, boolean), Ok(true), "{text}");
    }
    for text in ["no", "FALSE", "off", "0"] {
        assert_eq!(ini(text, boolean), Ok(false), "{text}");
    }
    assert_eq!(ini("maybe", boolean), Err("not a valid boolean value: 'maybe'".into()));
    assert_eq!(toml(RawValue::Bool(true), boolean), Ok(true));
    assert_eq!(toml(RawValue::Int(1), boolean), Err("expected a text, found a whole number".into()));
}

#[test]
fn seconds_are_whole_in_ini_and_may_have_units_elsewhere() {
    assert_eq!(ini("10", seconds_ms), Ok(10_000));
    assert_eq!(ini("-1", seconds_ms), Ok(-1_000));
    assert_eq!(ini("5s", seconds_ms), Err("invalid literal for int() with base 10: '5s'".into()));
    for (text, want) in
        [("500ms", 500), ("2s", 2_000), ("1m", 60_000), ("1h", 3_600_000), ("1.5", 1_500), ("3", 3_000)]
    {
        assert_eq!(env(text, seconds_ms), Ok(want), "{text}");
    }
    for text in ["inf", "nan", "1d", "s", "", "1e3"] {
        assert!(env(text, seconds_ms).is_err(), "{text}");
    }
    assert_eq!(toml(RawValue::Float(0.5), seconds_ms), Ok(500));
    assert_eq!(toml(RawValue::Int(i64::MAX), seconds_ms), Ok(i64::MAX));
}

#[test]
fn sizes_follow_supervisors_rule_in_ini() {
    for (text, want) in
        [("0", 0), ("50MB", 50 << 20), ("5 mb", 5 << 20), ("1gB", 1 << 30), ("10", 10), ("-1", 0)]
    {
        assert_eq!(ini(text, size), Ok(want), "{text}");
    }
    for (text, shown) in [("5K", "5k"), ("1.5MB", "1.5"), ("kb", ""), ("10b", "10b")] {
        assert_eq!(
            ini(text, size),
            Err(format!("invalid literal for int() with base 10: '{shown}'")),
            "{text}"
        );
    }
}

#[test]
fn sizes_have_more_spellings_elsewhere() {
    for (text, want) in [("64k", 64 << 10), ("64KiB", 64 << 10), ("100b", 100), ("2 GB", 2 << 30), ("7", 7)] {
        assert_eq!(env(text, size), Ok(want), "{text}");
    }
    assert!(env("lots", size).is_err());
    assert_eq!(toml(RawValue::Int(4096), size), Ok(4096));
}

#[test]
fn modes_are_octal_and_a_bare_toml_number_is_ambiguous() {
    assert_eq!(ini("022", octal), Ok(0o22));
    assert_eq!(ini("999", octal), Err("999 can not be converted to an octal type".into()));
    // COMPAT: the kernel looks at twelve bits, and so do we.
    assert_eq!((ini("77777", octal), ini("-1", octal)), (Ok(0o7777), Ok(0o7777)));
    assert!(toml(RawValue::Int(22), octal).is_err());
    let world = FakeWorld::default();
    let value = RawValue::Int(0o22);
    let input = Input {
        value: &value,
        dialect: Dialect::Toml,
        line: "umask = 0o22",
        create_directories: false,
        world: &world,
    };
    assert_eq!(octal(&input), Ok(0o22));
}

#[test]
fn exit_codes_are_a_list_that_may_be_empty() {
    assert_eq!(ini("", exitcodes), Ok(vec![]));
    assert_eq!(ini("0, 2", exitcodes), Ok(vec![0, 2]));
    assert_eq!(ini("0,300", exitcodes), Err("not a valid list of exit codes: '0,300'".into()));
    assert_eq!(toml(RawValue::List(vec![RawValue::Int(0), RawValue::Int(3)]), exitcodes), Ok(vec![0, 3]));
    assert!(toml(RawValue::List(vec![word("0")]), exitcodes).is_err());
}

#[test]
fn signals_are_names_or_numbers_and_zero_is_one() {
    for (text, want) in [("TERM", 15), ("sigquit", 3), ("15", 15), ("0", 0), ("SIGRTMIN", 34)] {
        assert_eq!(ini(text, signal), Ok(Signal(want)), "{text}");
    }
    assert_eq!(ini("FOO", signal), Err("value 'FOO' is not a valid signal name".into()));
    assert_eq!(ini("99", signal), Err("value '99' is not a valid signal number".into()));
}

#[test]
fn restart_words_are_read() {
    assert_eq!(ini("Unexpected", autorestart), Ok(Autorestart::Unexpected));
    assert_eq!(ini("yes", autorestart), Ok(Autorestart::Always));
    assert_eq!(ini("MAYBE", autorestart), Err("invalid 'autorestart' value 'maybe'".into()));
    assert_eq!(toml(RawValue::Bool(false), autorestart), Ok(Autorestart::Never));
}

#[test]
fn levels_are_supervisors_words() {
    assert_eq!(ini("WARN", level), Ok(LogLevel::Warn));
    assert_eq!(ini("warning", level), Err("bad logging level name 'warning'".into()));
}

/// Every row of section 1.7 of the contract.
#[test]
fn environment_texts_are_read_as_supervisor_reads_them() {
    let good: &[(&str, &[(&str, &str)])] = &[
        ("", &[]),
        ("A=1", &[("A", "1")]),
        ("A = 1", &[("A", "1")]),
        ("A='1'", &[("A", "1")]),
        ("A=\"a,b\"", &[("A", "a,b")]),
        ("A=\"#x\"", &[("A", "#x")]),
        ("A=/x/y.z-1:2(3)+4", &[("A", "/x/y.z-1:2(3)+4")]),
        ("A=\"a\" , B=\"b\"", &[("A", "a"), ("B", "b")]),
        ("A=\"a\",", &[("A", "a")]),
        ("A=x,\n  B=y", &[("A", "x"), ("B", "y")]),
        ("A=\"x\ny\"", &[("A", "x\ny")]),
        ("A=\"\"", &[("A", "")]),
        ("A=a b", &[("A", "a")]),
        ("A=http://x/?a=b", &[("A", "http://x/"), ("a", "b")]),
        ("A=$HOME", &[("A", "$")]),
        ("A=\"it's\"", &[("A", "it's")]),
        ("A='say \"hi\"'", &[("A", "say \"hi")]),
        ("A=\"'x'\"", &[("A", "x")]),
        ("A=\"a\\\"b\"", &[("A", "a\\")]),
        ("A=\"a\"\"b\"", &[("A", "a")]),
        ("A=a\"b\"", &[("A", "a\"b")]),
        ("\"A\"=1", &[("\"A\"", "1")]),
        ("A.B=1", &[("A.B", "1")]),
        ("A=1,A=2", &[("A", "2")]),
    ];
    for (text, want) in good {
        let want: Vec<(String, String)> = want.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        assert_eq!(ini(text, pairs).map(|p| p.pairs), Ok(want), "{text}");
    }
    for text in ["A=", "A=,B=1", "A=a B=b", "A=a=b", "A=#x", "A=[1]", "FOO"] {
        assert_eq!(
            ini(text, pairs).map(|p| p.pairs),
            Err(format!("Unexpected end of key/value pairs in value '{text}'")),
            "{text}"
        );
    }
}

#[test]
fn a_cut_value_is_noticed() {
    for (text, cut) in [("A=$HOME", Some("A")), ("A=a b", Some("A")), ("A=1,B=\"x y\"", None), ("A=1,", None)]
    {
        assert_eq!(ini(text, pairs).unwrap().cut.as_deref(), cut, "{text}");
    }
}

#[test]
fn a_table_of_variables_takes_numbers_too() {
    let table = RawValue::Table(vec![("A".into(), word("x=y, z")), ("N".into(), RawValue::Int(3))]);
    assert_eq!(toml(table, pairs).unwrap().pairs, [("A".into(), "x=y, z".into()), ("N".into(), "3".into())]);
    let bad = RawValue::Table(vec![("A=B".into(), word("x"))]);
    assert!(toml(bad, pairs).is_err());
}

#[test]
fn log_words_streams_and_files_are_told_apart() {
    let target = |text| match ini(text, log_choice) {
        Ok(LogChoice::Target(target)) => Ok(target),
        Ok(LogChoice::Empty) => Ok(LogTarget::None),
        Ok(LogChoice::Syslog) => Err("syslog".to_owned()),
        Err(words) => Err(words),
    };
    assert_eq!(target("NONE"), Ok(LogTarget::None));
    assert_eq!(target(""), Ok(LogTarget::None));
    assert_eq!(target("Auto"), Ok(LogTarget::Auto));
    assert_eq!(target("syslog"), Err("syslog".into()));
    for (text, fd) in [("/dev/stdout", 1), ("/dev/stderr", 2), ("/dev/fd/7", 7), ("/proc/self/fd/1", 1)] {
        assert_eq!(target(text), Ok(LogTarget::Stream { fd, text: text.into() }));
    }
    assert_eq!(target("/dev/fd/x"), Ok(LogTarget::File("/dev/fd/x".into())));
    assert_eq!(target("~/x.log"), Ok(LogTarget::File("/root/x.log".into())));
    assert_eq!(target("x.log"), Ok(LogTarget::File("x.log".into())));
    assert_eq!(
        target("/missing/x.log"),
        Err("The directory named as part of the path /missing/x.log does not exist".into())
    );
}

#[test]
fn the_daemons_log_has_its_own_words() {
    assert_eq!(ini("none", main_log), Ok(MainLog::File("/srv/none".into())));
    assert_eq!(env("none", main_log), Ok(MainLog::None));
    assert_eq!(ini("syslog", main_log), Ok(MainLog::Syslog));
    assert_eq!(ini("/dev/fd/2", main_log), Ok(MainLog::Stream(StdStream::Stderr)));
}

#[test]
fn users_must_be_listed_in_ini_and_need_not_elsewhere() {
    let app = ini("app", user).unwrap();
    assert_eq!((app.uid, app.gid, app.groups), (1000, 1000, vec![1000, 33]));
    assert_eq!(ini("12345", user), Err("Invalid user id 12345".into()));
    assert_eq!(ini("ghost", user), Err("Invalid user name ghost".into()));
    let number = env("12345", user).unwrap();
    assert_eq!((number.uid, number.gid, number.groups), (12345, 12345, vec![12345]));
    let both = env("12345:www", user).unwrap();
    assert_eq!((both.uid, both.gid), (12345, 33));
    assert_eq!(toml(RawValue::Int(1000), user).unwrap().groups, [1000, 33]);
    assert_eq!(env("ghost", user), Err("Invalid user name ghost".into()));
}

#[test]
fn a_socket_owner_may_lack_a_group() {
    assert_eq!(ini("app", owner), Ok((1000, u32::MAX)));
    assert_eq!(ini("app:www", owner), Ok((1000, 33)));
    assert_eq!(ini("app:ghost", owner), Err("Invalid user:group definition app:ghost".into()));
}

#[test]
fn addresses_are_read_in_all_forms() {
    for (text, want) in [
        ("9001", "0.0.0.0:9001"),
        ("*:9001", "0.0.0.0:9001"),
        (":9001", "0.0.0.0:9001"),
        ("127.0.0.1:1", "127.0.0.1:1"),
        ("LOCALHOST:80", "127.0.0.1:80"),
        ("[::1]:9001", "[::1]:9001"),
    ] {
        assert_eq!(ini(text, address).map(|a| a.to_string()), Ok(want.into()), "{text}");
    }
    for (text, words) in [
        ("a:", "no port number specified in ''"),
        ("abc", "not a valid port number: 'abc' "),
        ("h:abc", "invalid literal for int() with base 10: 'abc'"),
        (":99999", "99999 is above upper bound (65535)"),
        (":0", "0 is below lower bound (1)"),
        ("nowhere.example:1", "unknown host 'nowhere.example'"),
    ] {
        assert_eq!(ini(text, address).map(|a| a.to_string()), Err(words.into()), "{text}");
    }
}

#[test]
fn several_listeners_may_be_named_at_once() {
    let show = |list: Vec<std::net::SocketAddr>| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        show(ini(":9100, [::1]:9100  9101", addresses).unwrap()),
        ["0.0.0.0:9100", "[::1]:9100", "0.0.0.0:9101"]
    );
    assert_eq!(
        show(toml(RawValue::List(vec![word(":1"), RawValue::Int(2)]), addresses).unwrap()),
        ["0.0.0.0:1", "0.0.0.0:2"]
    );
    assert_eq!(ini("", addresses), Ok(vec![]));
}

#[test]
fn a_command_that_cannot_be_split_is_kept_with_its_reason() {
    assert_eq!(ini("a 'b c'", command).unwrap().argv, Ok(vec!["a".into(), "b c".into()]));
    assert_eq!(ini("", command).unwrap().argv, Err("command is empty".into()));
    assert_eq!(
        ini("sh -c \"a", command).unwrap().argv,
        Err("can't parse command 'sh -c \"a': No closing quotation".into())
    );
}

#[test]
fn a_list_of_words_is_taken_as_it_is() {
    let line = toml(RawValue::List(vec![word("sh"), word("-c"), word("it's $x")]), command).unwrap();
    assert_eq!(line.argv, Ok(vec!["sh".into(), "-c".into(), "it's $x".into()]));
    assert_eq!(line.text, "sh -c 'it'\"'\"'s $x'");
    assert_eq!(crate::config::shlex::split(&line.text), Ok(vec!["sh".into(), "-c".into(), "it's $x".into()]));
}

#[test]
fn names_cannot_break_the_protocols() {
    assert_eq!(name(" a "), Ok("a".into()));
    assert_eq!(name("a b").unwrap_err().words, "Invalid name: 'a b' because of character: ' '");
    assert_eq!(name("a/b").unwrap_err().words, "Invalid name: 'a/b' because of character: '/'");
}
