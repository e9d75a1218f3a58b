use super::*;

fn parse(vars: &[(&str, &str)]) -> (Raw, Diagnostics) {
    let vars: Vec<_> = vars.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string())).collect();
    read(&vars)
}

fn good(vars: &[(&str, &str)]) -> Raw {
    let (raw, found) = parse(vars);
    assert_eq!(found.items, []);
    raw
}

/// Each finding as `message (hint)`.
fn bad(vars: &[(&str, &str)]) -> Vec<String> {
    let (_, found) = parse(vars);
    let line = |d: &Diagnostic| format!("{} ({})", d.message, d.hint.clone().unwrap_or_default());
    found.items.iter().map(line).collect()
}

fn text(s: &str) -> RawValue {
    RawValue::Text(s.into())
}

fn pairs(section: &RawSection) -> Vec<(&str, &RawValue)> {
    section.entries.iter().map(|e| (e.key.as_str(), &e.value)).collect()
}

#[test]
fn programs_are_made_from_variables_alone() {
    let raw = good(&[
        ("PATH", "/bin"),
        ("MAINSTAY_PROGRAM__WEB__COMMAND", "nginx -g 'daemon off;'"),
        ("MAINSTAY_PROGRAM__MY_APP", "serve ${PORT}"),
        ("MAINSTAY_PROGRAM__WEB__STDOUT_LOGFILE", "/dev/null"),
        ("MAINSTAY_PROGRAM__WEB__READINESS__HTTP", ":80/"),
    ]);
    let seen: Vec<_> = raw.sections.iter().map(|s| (s.kind, s.name.as_str(), s.title.as_str())).collect();
    assert_eq!(
        seen,
        [
            (SectionKind::Program, "web", "MAINSTAY_PROGRAM__WEB"),
            (SectionKind::Program, "my_app", "MAINSTAY_PROGRAM__MY_APP"),
        ]
    );
    assert_eq!(
        pairs(&raw.sections[0]),
        [
            ("command", &text("nginx -g 'daemon off;'")),
            ("stdout_logfile", &text("/dev/null")),
            ("readiness_http", &text(":80/")),
        ]
    );
    assert_eq!(pairs(&raw.sections[1]), [("command", &text("serve ${PORT}"))]);
    assert_eq!(raw.sections[0].entries[1].span.source, "MAINSTAY_PROGRAM__WEB__STDOUT_LOGFILE");
    assert!(raw.sections.iter().all(|s| s.dialect == Dialect::Env));
}

#[test]
fn environment_names_keep_their_case_and_their_underscores() {
    let raw = good(&[
        ("MAINSTAY_PROGRAM__WEB__ENVIRONMENT__Http_Proxy", "p"),
        ("MAINSTAY_PROGRAM__WEB__ENVIRONMENT__HTTP_PROXY", "P"),
        ("MAINSTAY_PROGRAM__WEB__ENVIRONMENT__A__B", "x"),
        ("MAINSTAY_SUPERVISOR__ENVIRONMENT__TZ", "UTC"),
    ]);
    let table =
        |pairs: &[(&str, &str)]| RawValue::Table(pairs.iter().map(|(k, v)| ((*k).into(), text(v))).collect());
    assert_eq!(
        pairs(&raw.sections[0]),
        [("environment", &table(&[("Http_Proxy", "p"), ("HTTP_PROXY", "P"), ("A__B", "x")]))]
    );
    assert_eq!(pairs(&raw.sections[1]), [("environment", &table(&[("TZ", "UTC")]))]);
}

#[test]
fn settings_for_the_whole_and_groups_have_their_sections() {
    let raw = good(&[
        ("MAINSTAY_HTTP__LISTEN", ":9100"),
        ("MAINSTAY_SUPERVISOR__LOGLEVEL", "debug"),
        ("MAINSTAY_GROUP__X__PROGRAMS", "a,b"),
        ("MAINSTAY_CONTROL__UNIX", "/run/m.sock"),
        ("MAINSTAY_CONTROL__MODE", "0770"),
    ]);
    let seen: Vec<_> = raw.sections.iter().map(|s| (s.kind, s.name.as_str(), pairs(s))).collect();
    assert_eq!(
        seen,
        [
            (SectionKind::Http, "", vec![("listen", &text(":9100"))]),
            (SectionKind::Supervisor, "", vec![("loglevel", &text("debug"))]),
            (SectionKind::Group, "x", vec![("programs", &text("a,b"))]),
            (SectionKind::UnixHttp, "", vec![("file", &text("/run/m.sock")), ("chmod", &text("0770"))]),
        ]
    );
}

#[test]
fn a_variable_that_means_nothing_is_refused_with_what_was_meant() {
    assert_eq!(
        bad(&[
            ("MAINSTAY_PROGAM__WEB", "x"),
            ("MAINSTAY_HTTP_LISTEN", ":1"),
            ("MAINSTAY_PROGRAM_WEB_COMMAND", "x"),
            ("MAINSTAY_FOO", "x"),
            ("MAINSTAY_PROGRAM", "x"),
            ("MAINSTAY_HTTP", "x"),
            ("MAINSTAY_GROUP__G", "x"),
            ("MAINSTAY_PROGRAM____COMMAND", "x"),
            ("MAINSTAY_CONTROL__UINX", "x"),
            ("MAINSTAY_SIGNALS", "update"),
            ("MAINSTAY_", "x"),
        ]),
        [
            "unknown environment variable `MAINSTAY_PROGAM__WEB` (did you mean `MAINSTAY_PROGRAM__WEB`?)"
                .to_string(),
            format!(
                "unknown environment variable `MAINSTAY_HTTP_LISTEN` (did you mean `MAINSTAY_HTTP__LISTEN`? {EXAMPLE})"
            ),
            format!("unknown environment variable `MAINSTAY_PROGRAM_WEB_COMMAND` ({EXAMPLE})"),
            format!("unknown environment variable `MAINSTAY_FOO` ({EXAMPLE})"),
            "`MAINSTAY_PROGRAM` lacks a name (write `MAINSTAY_PROGRAM__NAME__…`)".to_string(),
            "`MAINSTAY_HTTP` names no setting (write `MAINSTAY_HTTP__SETTING`)".to_string(),
            "`MAINSTAY_GROUP__G` names no setting (write `MAINSTAY_GROUP__G__SETTING`)".to_string(),
            format!("`MAINSTAY_PROGRAM____COMMAND` has an empty level ({EXAMPLE})"),
            "`MAINSTAY_SIGNALS` names no signal (write `MAINSTAY_SIGNALS__HUP`)".to_string(),
            format!("`MAINSTAY_` has an empty level ({EXAMPLE})"),
            "unknown setting `uinx` in `MAINSTAY_CONTROL` (did you mean `unix`?)".to_string(),
        ]
    );
}

#[test]
fn two_variables_for_one_setting_are_refused() {
    assert_eq!(
        bad(&[
            ("MAINSTAY_PROGRAM__WEB", "a"),
            ("MAINSTAY_PROGRAM__WEB__COMMAND", "b"),
            ("MAINSTAY_PROGRAM__web__USER", "x"),
            ("MAINSTAY_PROGRAM__WEB__USER", "y"),
            ("MAINSTAY_PROGRAM__WEB__ENVIRONMENT", "A=1"),
            ("MAINSTAY_PROGRAM__WEB__ENVIRONMENT__A", "1"),
        ]),
        [
            "`MAINSTAY_PROGRAM__WEB` and `MAINSTAY_PROGRAM__WEB__COMMAND` set the same thing (keep one of them)",
            "`MAINSTAY_PROGRAM__web__USER` and `MAINSTAY_PROGRAM__WEB__USER` set the same thing (keep one of them)",
            "`MAINSTAY_PROGRAM__WEB__ENVIRONMENT` and `MAINSTAY_PROGRAM__WEB__ENVIRONMENT__A` set the same thing \
             (keep one of them)",
        ]
    );
}

#[test]
fn what_kubernetes_sets_beside_a_service_of_our_name_is_not_configuration() {
    let raw = good(&[
        ("MAINSTAY_SERVICE_HOST", "10.0.0.1"),
        ("MAINSTAY_SERVICE_PORT", "80"),
        ("MAINSTAY_SERVICE_PORT_METRICS", "9100"),
        ("MAINSTAY_PORT", "tcp://10.0.0.1:80"),
        ("MAINSTAY_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("MAINSTAY_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("MAINSTAY_DEMO_SERVICE_HOST", "10.0.0.2"),
        ("MAINSTAY_DEMO_PORT_80_UDP_PROTO", "udp"),
        ("MAINSTAY_PROGRAM_SERVICE_PORT_HTTP", "80"),
        ("MAINSTAY_PORT_FORWARDER_PORT_80_TCP_PORT", "80"),
        ("MAINSTAY_HTTP_PORT", "tcp://10.0.0.1:80"),
        ("MAINSTAY_BIN", "/bin/x"),
        ("MAINSTAY_GRACE", "30s"),
        ("MAINSTAY_TEST_SEED", "1"),
    ]);
    assert_eq!(raw, Raw::default());
    assert_eq!(
        bad(&[("MAINSTAY_HTTP_PORTS", "1"), ("MAINSTAY_EXPORT", "1"), ("MAINSTAY_PORT_X", "1")]).len(),
        3
    );
}

#[test]
fn a_doubled_prefix_is_not_taken_for_ours() {
    assert_eq!(bad(&[("MAINSTAY_MAINSTAY_PROGRAM__WEB", "x")]).len(), 1);
}

#[test]
fn values_never_appear_in_findings() {
    let (_, found) = parse(&[("MAINSTAY_PASSWORD", "hunter2"), ("MAINSTAY_CONTROL__PASSWORD", "hunter2")]);
    assert_eq!(found.items.len(), 2);
    assert!(!format!("{found:?}").contains("hunter2"));
}
