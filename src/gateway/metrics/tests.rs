use super::*;
use crate::control::{CheckInfo, CheckKind, EndReason, LastEnd, ProcessStats, State, Used};
use crate::gateway::testing::{process, snapshot};
use crate::types::{ExitStatus, Signal, Wall};
use std::collections::{BTreeMap, BTreeSet};

/// One family as a strict reader of the text format sees it.
#[derive(Default)]
struct Read {
    help: bool,
    kind: String,
    samples: BTreeMap<String, f64>,
}

/// Reads the text format: HELP, then TYPE, then samples, each family in one piece, each series once.
fn parse(text: &str) -> BTreeMap<String, Read> {
    let mut families: BTreeMap<String, Read> = BTreeMap::new();
    let mut current = String::new();
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("help text");
            assert!(help.ends_with('.'), "{line}");
            assert!(
                families.insert(name.to_owned(), Read { help: true, ..Read::default() }).is_none(),
                "{line}"
            );
            current = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("type");
            assert_eq!(name, current, "{line}");
            let family = families.get_mut(name).expect("help first");
            assert!(family.kind.is_empty() && family.samples.is_empty(), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            family.kind = kind.to_owned();
        } else {
            let (series, value) = line.rsplit_once(' ').expect("value");
            let name = series.split('{').next().expect("name");
            assert_eq!(name, current, "{line}");
            let family = families.get_mut(name).expect("declared");
            assert!(family.help && !family.kind.is_empty(), "{line}");
            let value = value.parse().expect("a number");
            assert!(family.samples.insert(series.to_owned(), value).is_none(), "twice: {line}");
        }
    }
    families
}

fn rich() -> Snapshot {
    let mut web = process("web", "api", State::Running);
    web.stats =
        ProcessStats { starts: 3, restarts: 2, exits_unexpected: 1, exits_signal: 1, ..Default::default() };
    web.checks = vec![CheckInfo { up: true, ..CheckInfo::default() }];
    web.last_exit = Some(ExitStatus::Signal { signal: Signal::KILL, core: false });
    web.stats.exits_oom = 4;
    web.next_run = Some(Wall(1_700_000_100_000));
    let used = Used { peak_bytes: 1 << 20, user_us: 1_500_000, system_us: 250_000 };
    web.last_end = Some(LastEnd { reason: EndReason::Oom, used: Some(used) });
    let mut job = process("job", "job", State::Exited);
    job.last_exit = Some(ExitStatus::Code(7));
    job.next_run = Some(Wall(1_700_003_600_000));
    let mut snapshot = snapshot(vec![job, web, process("odd", "a\"b\\c\nd", State::Fatal)]);
    snapshot.daemon.orphans_reaped = 12;
    snapshot.daemon.signals_received = vec![(Signal::HUP, 2), (Signal(50), 1)];
    snapshot.daemon.signals_forwarded = vec![(Signal::USR1, 3)];
    snapshot.daemon.cpu_seconds = Some(0.25);
    snapshot.daemon.resident_bytes = Some(1_048_576);
    snapshot.daemon.start = Wall(1_700_000_000_250);
    snapshot
}

#[test]
fn the_text_is_what_a_strict_reader_accepts() {
    let text = render(rich()).expect("rendered");
    let families = parse(&text);
    let value = |series: &str| {
        let name = series.split('{').next().expect("name");
        families.get(name).and_then(|f| f.samples.get(series)).copied()
    };
    let web = r#"{group="web",program="api"}"#;
    assert_eq!(value(&format!("mainstay_program_up{web}")), Some(1.0));
    assert_eq!(value(&format!("mainstay_program_ready{web}")), Some(1.0));
    assert_eq!(value(&format!("mainstay_program_starts_total{web}")), Some(3.0));
    assert_eq!(value(&format!("mainstay_program_restarts_total{web}")), Some(2.0));
    assert_eq!(value(&format!("mainstay_program_start_time_seconds{web}")), Some(1_700_000_000.5));
    assert_eq!(value(&format!("mainstay_program_last_exit_signal{web}")), Some(9.0));
    assert_eq!(value(&format!("mainstay_program_last_exit_code{web}")), None);
    let exits = r#"mainstay_program_exits_total{group="web",program="api",reason="signal"}"#;
    assert_eq!(value(exits), Some(1.0));
    assert_eq!(value(&exits.replace("signal", "oom")), Some(4.0));
    assert_eq!(value(&exits.replace("signal", "timeout")), Some(0.0));
    assert_eq!(value(&format!("mainstay_program_last_peak_memory_bytes{web}")), Some(1_048_576.0));
    assert_eq!(value(&format!("mainstay_program_last_cpu_seconds{web}")), Some(1.75));
    let job = r#"{group="job",program="job"}"#;
    assert_eq!(value(&format!("mainstay_program_up{job}")), Some(0.0));
    assert_eq!(value(&format!("mainstay_program_start_time_seconds{job}")), None);
    assert_eq!(value(&format!("mainstay_program_last_exit_code{job}")), Some(7.0));
    let next = value(&format!("mainstay_program_next_run_timestamp_seconds{job}"));
    assert_eq!(next, Some(1_700_003_600.0));
    assert_eq!(value(r#"mainstay_program_up{group="odd",program="a\"b\\c\nd"}"#), Some(0.0));
    assert_eq!(value("mainstay_orphans_reaped_total"), Some(12.0));
    assert_eq!(value(r#"mainstay_signals_received_total{signal="SIGHUP"}"#), Some(2.0));
    assert_eq!(value(r#"mainstay_signals_received_total{signal="signal 50"}"#), Some(1.0));
    assert_eq!(value("process_start_time_seconds"), Some(1_700_000_000.25));
    assert_eq!(value("process_cpu_seconds_total"), Some(0.25));
    assert_eq!(value("process_open_fds"), None);
    assert_eq!(value("mainstay_shutdown_in_progress"), Some(0.0));
}

#[test]
fn states_are_a_state_set() {
    let text = render(rich()).expect("rendered");
    let families = parse(&text);
    let states = &families["mainstay_program_state"].samples;
    assert_eq!(states.len(), 3 * 8);
    let of_web: Vec<_> = states.iter().filter(|(s, _)| s.contains(r#"program="api""#)).collect();
    assert_eq!(of_web.iter().map(|(_, v)| **v).sum::<f64>(), 1.0);
    assert_eq!(states[r#"mainstay_program_state{group="web",program="api",state="running"}"#], 1.0);
}

#[test]
fn all_families_of_the_table_appear_and_no_label_is_a_pid() {
    let mut full = rich();
    full.daemon.virtual_bytes = Some(1);
    full.daemon.open_fds = Some(2);
    full.daemon.max_fds = Some(3);
    let text = render(full).expect("rendered");
    let names: BTreeSet<&str> = FAMILIES.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names.len(), FAMILIES.len());
    let families = parse(&text);
    let got: BTreeSet<&str> = families.keys().map(String::as_str).collect();
    assert_eq!(got, names);
    assert!(!text.contains("pid"));
}

#[test]
fn a_daemon_without_programs_and_without_proc_has_metrics_too() {
    let families = parse(&render(snapshot(vec![])).expect("rendered"));
    assert!(families.contains_key("mainstay_build_info") && !families.contains_key("process_open_fds"));
    assert!(!families.contains_key("mainstay_program_up"));
}

#[test]
fn checks_are_told_apart_by_their_kind() {
    let mut web = process("web", "web", State::Running);
    let check = |kind, up| CheckInfo { kind, up, runs: 5, failures: 2, duration_ns: 1_500_000_000 };
    web.checks = vec![check(CheckKind::Readiness, true), check(CheckKind::Liveness, false)];
    let families = parse(&render(snapshot(vec![web, process("x", "x", State::Running)])).expect("rendered"));
    let value = |name: &str, kind: &str| {
        families[name].samples[&format!("{name}{{group=\"web\",program=\"web\",check=\"{kind}\"}}")]
    };
    assert_eq!((value("mainstay_check_up", "readiness"), value("mainstay_check_up", "liveness")), (1.0, 0.0));
    assert_eq!(value("mainstay_check_runs_total", "readiness"), 5.0);
    assert_eq!(value("mainstay_check_failures_total", "liveness"), 2.0);
    assert_eq!(value("mainstay_check_duration_seconds_total", "liveness"), 1.5);
    assert_eq!(families["mainstay_check_up"].samples.len(), 2, "x has none");
}
