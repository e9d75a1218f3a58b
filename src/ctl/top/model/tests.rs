use super::*;

fn model() -> Model {
    let row = |name: &str, state: &str, cpu| Row {
        spec: name.to_owned(),
        name: name.to_owned(),
        state: state.to_owned(),
        cpu_percent: cpu,
        ..Row::default()
    };
    let mut model = Model::new("unix:///x".to_owned());
    model.rows =
        vec![row("b", "RUNNING", Some(1.0)), row("a", "STOPPED", None), row("c", "RUNNING", Some(5.0))];
    model.settle(10);
    model
}

fn names(model: &Model) -> String {
    model.visible().iter().map(|r| r.name.as_str()).collect()
}

fn press(model: &mut Model, keys: &str) -> Effect {
    keys.chars().fold(Effect::Nothing, |_, c| model.press(Key::Char(c), 10))
}

#[test]
fn keys_sort_and_turn_round_and_the_selection_stays() {
    let mut model = model();
    assert_eq!((names(&model).as_str(), model.selected.as_deref()), ("abc", Some("a")));
    press(&mut model, "j");
    assert_eq!(model.selected.as_deref(), Some("b"));
    press(&mut model, "C");
    assert_eq!((names(&model).as_str(), model.index()), ("cba", 1));
    press(&mut model, "C");
    assert_eq!((names(&model).as_str(), model.index()), ("abc", 1));
    press(&mut model, "S");
    assert_eq!(names(&model), "bca");
    model.press(Key::End, 10);
    assert_eq!(model.selected.as_deref(), Some("a"));
    model.press(Key::PageUp, 2);
    assert_eq!(model.selected.as_deref(), Some("b"));
}

#[test]
fn a_filter_is_typed_and_forgotten() {
    let mut model = model();
    press(&mut model, "/runq");
    assert_eq!((names(&model).as_str(), model.filter.as_str()), ("", "runq"));
    model.press(Key::Backspace, 10);
    model.press(Key::Enter, 10);
    model.settle(10);
    assert_eq!(
        (names(&model).as_str(), &model.mode, model.selected.as_deref()),
        ("bc", &Mode::Table, Some("b"))
    );
    model.press(Key::Escape, 10);
    assert_eq!(names(&model), "abc");
}

#[test]
fn commands_are_for_the_selected_and_only_stopping_everything_asks() {
    let mut model = model();
    assert_eq!(press(&mut model, "s"), Effect::Start("a".to_owned()));
    assert_eq!(press(&mut model, "jx"), Effect::Stop("b".to_owned()));
    assert_eq!(press(&mut model, "r"), Effect::Restart("b".to_owned()));
    assert_eq!(press(&mut model, "X"), Effect::Nothing);
    assert_eq!(press(&mut model, "n"), Effect::Nothing);
    assert_eq!(press(&mut model, "Xy"), Effect::StopAll);
    assert_eq!(press(&mut model, "A"), Effect::StartAll);
    assert_eq!(press(&mut model, "?q"), Effect::Nothing);
    assert_eq!(press(&mut model, "q"), Effect::Quit);
    model.rows.clear();
    model.settle(10);
    assert_eq!(press(&mut model, "s"), Effect::Nothing);
    assert_eq!(model.press(Key::Ctrl('c'), 10), Effect::Quit);
}

#[test]
fn a_restart_is_a_start_of_what_has_stopped() {
    let mut model = model();
    model.restarting = ["a", "b", "gone"].map(str::to_owned).to_vec();
    model.rows[0].state = "STOPPING".to_owned();
    assert_eq!(model.take_stopped(), ["a"]);
    assert_eq!(model.restarting, ["b"]);
    assert_eq!((model.take_stopped(), model.restarting.len()), (vec![], 1));
    model.rows[0].state = "EXITED".to_owned();
    assert_eq!((model.take_stopped(), model.restarting.len()), (vec!["b".to_owned()], 0));
}

#[test]
fn the_selected_row_is_always_on_the_screen() {
    let mut model = model();
    model.press(Key::End, 2);
    model.settle(2);
    assert_eq!((model.offset, model.index()), (1, 2));
    model.press(Key::Up, 2);
    model.settle(2);
    assert_eq!((model.offset, model.index()), (1, 1));
    model.press(Key::Up, 2);
    model.settle(2);
    assert_eq!(model.offset, 0);
    model.settle(0);
    assert_eq!(model.offset, 0);
}

#[test]
fn a_tail_is_scrolled_and_left() {
    let mut model = model();
    assert_eq!(press(&mut model, "l"), Effect::Refresh);
    let Mode::Tail(tail) = &mut model.mode else { panic!("{:?}", model.mode) };
    tail.lines = (0..30).map(|n| n.to_string()).collect();
    press(&mut model, "kkj");
    assert!(matches!(&model.mode, Mode::Tail(t) if t.below == 1));
    model.press(Key::Home, 10);
    assert!(matches!(&model.mode, Mode::Tail(t) if t.below == 20));
    assert_eq!(press(&mut model, "e"), Effect::Refresh);
    assert!(matches!(&model.mode, Mode::Tail(t) if t.stderr && t.below == 0));
    assert_eq!(press(&mut model, "q"), Effect::Refresh);
    assert_eq!(model.mode, Mode::Table);
}
