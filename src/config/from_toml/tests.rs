use super::*;
use crate::config::testing::FakeWorld;
use crate::config::{Sources, load};

fn parse(text: &str) -> (Raw, Diagnostics) {
    read("app.toml", text, &|name| (name == "PORT").then(|| "8080".to_string()))
}

fn good(text: &str) -> Raw {
    let (raw, found) = parse(text);
    assert_eq!(found.items, [], "{text}");
    raw
}

/// Each finding as `line:column setting: message (hint)`.
fn bad(text: &str) -> Vec<String> {
    let (_, found) = parse(text);
    let line = |d: &Diagnostic| {
        let span = d.span.clone().unwrap_or_default();
        assert_eq!(span.source, "app.toml");
        let hint = d.hint.as_ref().map(|h| format!(" ({h})")).unwrap_or_default();
        format!("{}:{} {}: {}{hint}", span.line, span.column, d.setting, d.message)
    };
    found.items.iter().map(line).collect()
}

fn text(s: &str) -> RawValue {
    RawValue::Text(s.into())
}

fn pairs(section: &RawSection) -> Vec<(&str, &RawValue)> {
    section.entries.iter().map(|e| (e.key.as_str(), &e.value)).collect()
}

#[test]
fn tables_become_sections_in_the_order_of_the_file() {
    let raw = good(
        "[program.web]\ncommand = 'w'\n[group.g]\nprograms = ['web']\n[program.api]\n[supervisor]\n\
         [eventlistener.l]\n[fcgi.f]\n[http]\nlisten = ':9100'\n",
    );
    let seen: Vec<_> =
        raw.sections.iter().map(|s| (s.kind, s.name.as_str(), s.title.as_str(), s.span.line)).collect();
    assert_eq!(
        seen,
        [
            (SectionKind::Program, "web", "program.web", 1),
            (SectionKind::Group, "g", "group.g", 3),
            (SectionKind::Program, "api", "program.api", 5),
            (SectionKind::Supervisor, "", "supervisor", 6),
            (SectionKind::EventListener, "l", "eventlistener.l", 7),
            (SectionKind::Fcgi, "f", "fcgi.f", 8),
            (SectionKind::Http, "", "http", 9),
        ]
    );
    assert!(raw.sections.iter().all(|s| s.dialect == Dialect::Toml));
}

#[test]
fn values_keep_their_types_and_places() {
    let raw = good(
        "[program.web]\ncommand = ['nginx', '-g', 'daemon off;']\nnumprocs = 2\nstartsecs = 0.5\nautostart = false\n\
         umask = 0o022\n",
    );
    let section = &raw.sections[0];
    assert_eq!(
        pairs(section),
        [
            ("command", &RawValue::List(vec![text("nginx"), text("-g"), text("daemon off;")])),
            ("numprocs", &RawValue::Int(2)),
            ("startsecs", &RawValue::Float(0.5)),
            ("autostart", &RawValue::Bool(false)),
            ("umask", &text("0o022")),
        ]
    );
    let span = &section.entries[2].span;
    assert_eq!((span.line, span.column, span.width, span.text.as_str()), (4, 1, 9, "startsecs = 0.5"));
}

#[test]
fn nested_tables_are_flattened_and_environment_is_not() {
    let raw = good(
        "[program.web]\nreadiness = { http = ':80/', period = 2 }\nbackoff.max = '30s'\n\
         [program.web.environment]\nB = '1'\na.b = 2\n[supervisor.environment]\nX = 'y'\n",
    );
    let environment = RawValue::Table(vec![
        ("B".into(), text("1")),
        ("a".into(), RawValue::Table(vec![("b".into(), RawValue::Int(2))])),
    ]);
    assert_eq!(
        pairs(&raw.sections[0]),
        [
            ("readiness_http", &text(":80/")),
            ("readiness_period", &RawValue::Int(2)),
            ("backoff_max", &text("30s")),
            ("environment", &environment),
        ]
    );
    assert_eq!(pairs(&raw.sections[1]), [("environment", &RawValue::Table(vec![("X".into(), text("y"))]))]);
}

#[test]
fn variables_expand_in_every_string_and_bare_ones_do_not() {
    let raw = good(
        "[program.web]\ncommand = ['serve', '${PORT}', '${HOST:-::1}', '$PORT', '$${PORT}']\n\
         environment = { P = 'x${PORT}' }\n",
    );
    let words = ["serve", "8080", "::1", "$PORT", "${PORT}"].map(text);
    assert_eq!(raw.sections[0].entries[0].value, RawValue::List(words.to_vec()));
    assert_eq!(raw.sections[0].entries[1].value, RawValue::Table(vec![("P".into(), text("x8080"))]));
}

#[test]
fn an_unset_variable_is_named_with_its_place() {
    assert_eq!(
        bad("[program.web]\ncommand = \"serve --db ${DB_URL} --x ${Y}\"\n"),
        [
            "2:23 [program.web] command: cannot expand `${DB_URL}`: the variable is not set \
             (set it, or give a default: `${DB_URL:-default}`)",
            "2:37 [program.web] command: cannot expand `${Y}`: the variable is not set \
             (set it, or give a default: `${Y:-default}`)",
        ]
    );
}

#[test]
fn control_becomes_supervisors_server_sections() {
    let raw = good(
        "[control]\nunix = '/run/m.sock'\ntcp = '127.0.0.1:9001'\nusername = 'u'\npassword = 'p'\nmode = '0770'\n\
         owner = 'nobody'\n",
    );
    let seen: Vec<_> = raw.sections.iter().map(|s| (s.kind, s.title.as_str(), pairs(s))).collect();
    assert_eq!(
        seen,
        [
            (
                SectionKind::InetHttp,
                "control",
                vec![("port", &text("127.0.0.1:9001")), ("username", &text("u")), ("password", &text("p"))]
            ),
            (
                SectionKind::UnixHttp,
                "control",
                vec![
                    ("file", &text("/run/m.sock")),
                    ("username", &text("u")),
                    ("password", &text("p")),
                    ("chmod", &text("0770")),
                    ("chown", &text("nobody")),
                ]
            ),
        ]
    );
}

#[test]
fn control_refuses_what_it_does_not_know_and_what_belongs_to_nothing() {
    assert_eq!(
        bad("[control]\nuinx = '/x'\ntcp = ':1'\nmode = '0700'\n"),
        [
            "2:1 [control] uinx: unknown setting `uinx` in [control] (did you mean `unix`?)",
            "4:1 [control] mode: `mode` has no server to belong to \
             (name a server: `unix = \"/run/mainstay.sock\"` or `tcp = \"127.0.0.1:9001\"`)",
        ]
    );
    assert_eq!(bad("[control]\nusername = 'x'\n").len(), 1);
}

#[test]
fn unknown_tables_and_stray_settings_are_refused_with_a_way_out() {
    assert_eq!(
        bad("command = 'x'\nhttp = ':9100'\n[progam.web]\n[banana]\n"),
        [
            "1:1 command: `command` stands outside of every table \
             (settings belong into a table: `[supervisor]`, `[http]`, `[control]`, `[program.NAME]`)",
            "2:1 http: `http` is not a table (write `[http]`, or `[http.NAME]`, on a line of its own)",
            "3:2 [progam]: unknown table `progam` (did you mean `program`?)",
            "4:2 [banana]: unknown table `banana` \
             (known are supervisor, http, program, group, eventlistener, fcgi, control, signals)",
        ]
    );
}

#[test]
fn a_program_that_is_not_a_table_is_refused() {
    assert_eq!(
        bad("program.web = 'nginx'\n[program.\"\"]\n"),
        [
            "1:9 [program.web]: `program.web` is not a table (write a table `[program.web]` with its settings)",
            "2:10 [program]: the name in [program.\"\"] is empty",
        ]
    );
    assert_eq!(bad("[[program]]\nname = 'x'\n").len(), 1);
}

#[test]
fn values_that_no_setting_takes_are_refused() {
    assert_eq!(
        bad("[program.web]\npriority = 99999999999999999999\nstartsecs = 2020-01-01\nmax.a = 1\nmax_a = 2\n"),
        [
            "2:12 [program.web] priority: the number 99999999999999999999 is too large",
            "3:13 [program.web] startsecs: a date is not a value that a setting takes (put it in quotes)",
            "5:1 [program.web] max_a: `max_a` is set twice (it is also set on line 4; keep one)",
        ]
    );
}

#[test]
fn every_syntax_error_has_its_place_and_nothing_else_is_said() {
    let (raw, found) = parse("[program.web]\ncommand = \"x\nuser = \n[progam.y]\nq = 1\nq = 2\n");
    assert_eq!(raw, Raw::default());
    let lines: Vec<_> = found.items.iter().filter_map(|d| d.span.as_ref()).map(|s| s.line).collect();
    assert_eq!(lines, [2, 3, 6]);
    assert!(found.items.iter().all(|d| d.message.starts_with("cannot parse TOML: ")), "{found:?}");
}

#[test]
fn windows_line_ends_a_byte_order_mark_and_an_empty_file_are_fine() {
    assert_eq!(good("").sections, []);
    let raw = good("\u{feff}[program.web]\r\ncommand = 'x'\r\n");
    assert_eq!(raw.sections[0].entries[0].span.text, "command = 'x'");
}

#[test]
fn damaged_files_never_panic_and_every_finding_has_its_place() {
    let sample = include_str!("../../../samples/mainstay.toml");
    let mut state = 1u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below.max(1)
    };
    for _ in 0..2_000 {
        let mut chars: Vec<char> = sample.chars().collect();
        for _ in 0..=random(3) {
            let at = random(chars.len());
            match random(3) {
                0 => drop(chars.drain(at..(at + random(40)).min(chars.len()))),
                1 => chars.insert(at, ['"', '[', '{', '$', '\n', '=', '.', 'ü', '\0'][random(9)]),
                _ => chars.truncate(at),
            }
        }
        let text: String = chars.into_iter().collect();
        let (_, found) = parse(&text);
        let lines: Vec<&str> = text.split('\n').collect();
        for item in found.items {
            let span = item.span.expect("a place");
            let line = lines[span.line as usize - 1];
            assert_eq!(line.strip_suffix('\r').unwrap_or(line), span.text, "{text}");
            let last = (span.column + span.width - 1) as usize;
            assert!(span.column >= 1 && last <= span.text.chars().count() + 1, "{span:?}");
        }
    }
}

#[test]
fn octal_numbers_and_texts_mean_the_same_and_decimal_ones_are_refused() {
    let umask = |value: &str| {
        let file = format!("[program.web]\ncommand = 'x'\numask = {value}\n");
        let world = FakeWorld::with(&[("/app.toml", &file)]);
        let sources = Sources { file: Some("/app.toml".into()), ..Sources::default() };
        load(&sources, &world).ok().and_then(|l| l.config.processes().next().and_then(|p| p.umask))
    };
    for good in ["0o022", "'022'", "'22'", "'0o22'"] {
        assert_eq!(umask(good), Some(0o22), "{good}");
    }
    assert_eq!(umask("22"), None);
}
