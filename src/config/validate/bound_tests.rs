//! Where we have a limit and Supervisor has none (docs/supervisord-compat.md).

use crate::config::testing::{findings, load_ini};

fn program(settings: &str) -> String {
    format!("[supervisord]\n[program:p]\ncommand=x\n{settings}\n")
}

#[test]
fn numbers_beyond_64_bits_are_the_nearest() {
    for (written, want) in [
        ("9223372036854775807", i64::MAX),
        ("9223372036854775808", i64::MAX),
        ("123456789012345678901234567890", i64::MAX),
        ("-123456789012345678901234567890", i64::MIN),
    ] {
        let loaded = load_ini(&program(&format!("startretries={written}"))).expect("it is a number");
        let retries: Vec<i64> = loaded.config.processes().map(|p| p.startretries).collect();
        assert_eq!(retries, [want], "{written}");
    }
}

#[test]
fn too_many_processes_are_refused() {
    let many = |n: u32| load_ini(&program(&format!("process_name=p%(process_num)s\nnumprocs={n}")));
    assert_eq!(many(10_000).expect("as many as that").config.processes().count(), 10_000);
    let found = findings(many(10_001));
    assert!(found.iter().any(|d| d.message.contains("numprocs")), "{found:?}");
}

#[test]
fn an_unknown_host_is_refused_when_the_file_is_read() {
    let server = |host: &str| format!("[supervisord]\n[inet_http_server]\nport={host}:9001\n");
    load_ini(&server("localhost")).expect("everybody knows it");
    let found = findings(load_ini(&server("nobody-knows")));
    assert!(found.iter().any(|d| d.message.contains("unknown host 'nobody-knows'")), "{found:?}");
}
