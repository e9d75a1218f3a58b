//! `status`: a table, its colours and its exit codes.

use super::*;

#[test]
fn status_is_a_table_and_its_exit_code_tells_whether_all_run() {
    let a = "a                                RUNNING   pid 7, uptime 0:00:05\n";
    let m0 = "multi:multi_00                   STARTING  \n";
    let m1 = "multi:multi_01                   FATAL     Exited too quickly (process log may have details)\n";
    assert_eq!(told("status", three), (3, format!("{a}{m0}{m1}")));
    assert_eq!(told("status all", three), (3, format!("{a}{m0}{m1}")));
    assert_eq!(told("status a", three), (0, a.to_owned()));
    assert_eq!(told("status a:a multi:multi_00", three), (0, format!("{a}{m0}")));
    assert_eq!(told("status multi:*", three), (3, format!("{m0}{m1}")));
}

#[test]
fn status_names_what_does_not_exist_and_a_stopped_process_wins() {
    assert_eq!(told("status nosuch", three), (4, "nosuch: ERROR (no such process)\n".to_owned()));
    assert_eq!(told("status nosuch:*", three), (4, "nosuch: ERROR (no such group)\n".to_owned()));
    let (code, out) = told("status nosuch multi:multi_01", three);
    assert_eq!(code, 3);
    assert!(out.starts_with("nosuch: ERROR (no such process)\nmulti:multi_01 "), "{out}");
}

#[test]
fn a_long_name_widens_the_first_column() {
    let name = "x".repeat(40);
    let (_, out) = told("status", |method, _| {
        assert!(matches!(method, "getVersion" | "getAllProcessInfo"));
        Ok(Value::Array(vec![process(&name, &name, (20, "RUNNING"), "d", 1)]))
    });
    assert_eq!(out, format!("{name}   RUNNING   d\n"));
}

#[test]
fn states_are_coloured_only_where_that_is_asked_for() {
    let script = Script {
        answer: three,
        calls: RefCell::new(Vec::new()),
        address: RefCell::new(ServerAddress::unix("/x.sock")),
    };
    let args = CtlArgs { words: vec!["status".to_owned(), "a".to_owned()], ..CtlArgs::default() };
    let settings = Settings { colour: true, ..Settings::default() };
    let mut out = Vec::new();
    let input = Input::new(io::Cursor::new(Vec::new()));
    assert_eq!(with_server(&args, &script, settings, input, &mut out).0, 0);
    let want = "a                                \u{1b}[32mRUNNING   \u{1b}[0mpid 7, uptime 0:00:05\n";
    assert_eq!(String::from_utf8_lossy(&out), want);
}
