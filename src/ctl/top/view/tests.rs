use super::*;
use crate::gateway::plain::plain;

fn row(name: &str, state: &str) -> Row {
    Row {
        spec: name.to_owned(),
        name: name.to_owned(),
        state: state.to_owned(),
        pid: Some(12345),
        uptime: Some(7384.0),
        restarts: Some(3),
        cpu_percent: Some(12.34),
        memory: Some(12.5 * 1024.0 * 1024.0),
        last_line: Some("the last line that it wrote, which is a long one".to_owned()),
        ..Row::default()
    }
}

fn model(rows: Vec<Row>) -> Model {
    let mut model = Model::new("unix:///run/x.sock".to_owned());
    model.rows = rows;
    model.settle(10);
    model
}

/// What is seen: without colours, without blanks at the end.
fn seen(model: &Model, rows: usize, cols: usize) -> Vec<String> {
    frame(model, (rows, cols)).iter().map(|l| plain(l).trim_end().to_owned()).collect()
}

#[test]
fn a_row_has_its_columns() {
    let model = model(vec![row("web", "RUNNING"), row("db:postgres", "FATAL")]);
    let lines = seen(&model, 8, 100);
    assert_eq!(lines[0], "unix:///run/x.sock  2 processes: 1 RUNNING, 1 FATAL");
    assert_eq!(lines[2], "NAME        STATE        PID UPTIME RESTARTS  CPU%   MEM LAST LINE");
    assert_eq!(
        lines[3],
        "db:postgres FATAL      12345  2h03m        3  12.3 12.5M the last line that it wrote, which is a lon"
    );
    assert!(lines[7].contains("q quit"), "{lines:?}");
    assert_eq!(lines.len(), 8);
}

#[test]
fn whatever_the_size_lines_fit() {
    let wide = "漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字";
    let mut model = model(vec![row("a", "RUNNING"), row(wide, "STOPPING"), row(&"x".repeat(80), "FATAL")]);
    model.message = "m".repeat(300);
    let modes = [
        Mode::Table,
        Mode::Filter,
        Mode::Help,
        Mode::Ask,
        Mode::Tail(Tail { spec: wide.to_owned(), lines: vec![wide.repeat(9); 50], ..Tail::default() }),
    ];
    for mode in modes {
        model.mode = mode;
        for rows in [1, 2, 3, 4, 5, 24] {
            for cols in (1..130).step_by(3) {
                let lines = frame(&model, (rows, cols));
                assert_eq!(lines.len(), rows);
                for line in lines {
                    let line = plain(&line);
                    assert!(width::of(&line) <= cols, "{cols}: {line:?}");
                }
            }
        }
    }
}

#[test]
fn columns_without_room_go_in_their_order() {
    let model = model(vec![row("web-server-one", "RUNNING")]);
    let head = |cols| seen(&model, 8, cols)[2].clone();
    assert_eq!(head(60), "NAME           STATE        PID UPTIME RESTARTS  CPU%   MEM");
    assert_eq!(head(50), "NAME           STATE        PID UPTIME  CPU%   MEM");
    assert_eq!(head(30), "NAME           STATE    UPTIME");
    assert_eq!(head(20), "NAME        STATE");
}

#[test]
fn the_column_that_decides_the_order_is_marked() {
    let mut model = model(vec![row("web-server-one", "RUNNING")]);
    let mut head = |sort, reversed| {
        (model.sort, model.reversed) = (sort, reversed);
        seen(&model, 8, 60)[2].clone()
    };
    assert_eq!(head(Sort::Cpu, false), "NAME           STATE        PID UPTIME RESTARTS CPU%*   MEM");
    assert_eq!(head(Sort::Restarts, true), "NAME           STATE        PID UPTIME RESTART^  CPU%   MEM");
    assert_eq!(head(Sort::Name, true), "NAME^          STATE        PID UPTIME RESTARTS  CPU%   MEM");
}

#[test]
fn what_is_not_known_is_a_dash() {
    let model =
        model(vec![Row { spec: "a".into(), name: "a".into(), state: "STOPPED".into(), ..Row::default() }]);
    assert_eq!(table(&model)[1], "a    STOPPED        -      -        -     -     - -");
}

#[test]
fn numbers_are_short() {
    for (secs, want) in
        [(5.9, "5s"), (192.0, "3m12s"), (7500.0, "2h05m"), (273_600.0, "3d04h"), (1e7, "115d")]
    {
        assert_eq!(duration(secs), want);
    }
    let kib = 1024.0;
    for (bytes, want) in [
        (812.0 * kib, "812K"),
        (12.34 * kib * kib, "12.3M"),
        (999.0 * kib * kib, "999M"),
        (1.5 * kib * kib * kib, "1.5G"),
        (3.0 * kib * kib * kib * kib, "3.0T"),
    ] {
        assert_eq!(size(bytes), want);
    }
    assert_eq!((percent(0.04), percent(99.9), percent(812.4)), ("0.0".into(), "99.9".into(), "812".into()));
}

#[test]
fn trouble_and_filters_are_said() {
    let mut model = model(vec![row("web", "RUNNING")]);
    model.filter = "we".to_owned();
    assert_eq!(seen(&model, 8, 80)[1], "only `we`; Esc shows all");
    model.trouble = Some("cannot reach unix:///run/x.sock".to_owned());
    assert_eq!(seen(&model, 8, 80)[1], "cannot reach unix:///run/x.sock");
    model.mode = Mode::Filter;
    assert_eq!(seen(&model, 8, 80)[7], "/we_");
    model.mode = Mode::Ask;
    assert!(seen(&model, 8, 80)[7].contains("y/N"));
}

#[test]
fn the_table_scrolls_to_the_selected_row() {
    let rows = (0..100).map(|n| row(&format!("p{n:02}"), "RUNNING")).collect();
    let mut model = model(rows);
    model.selected = Some("p50".to_owned());
    model.settle(page(10));
    let lines = seen(&model, 10, 80);
    assert!(
        lines.iter().any(|l| l.starts_with("p50 ")) && !lines.iter().any(|l| l.starts_with("p00 ")),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 10);
}
