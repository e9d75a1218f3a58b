//! Checks of programs, what their runs come to, and what programs say: for the target `engine`.

use super::engine::{TIMES_MS, status};
use crate::bytes::Bytes;
use mainstay::config::model::{Probe, ProbeKind};
use mainstay::engine::input::{TaskEnd, TaskKind, TaskRef, Told};
use mainstay::types::ProcRef;

pub(super) fn told(bytes: &mut Bytes<'_>) -> Told {
    bytes.pick(&[
        Told::Ready,
        Told::Reloading,
        Told::Ending,
        Told::Alive,
        Told::Failing,
        Told::WatchdogMs(0),
        Told::WatchdogMs(i64::MAX),
        Told::ExtendMs(i64::MIN),
        Told::ExtendMs(i64::MAX),
        Told::Status("s".to_owned()),
    ])
}

pub(super) fn task(bytes: &mut Bytes<'_>, proc: ProcRef) -> TaskRef {
    let kinds = [
        TaskKind::Readiness,
        TaskKind::Liveness,
        TaskKind::PreStart,
        TaskKind::PostStop,
        TaskKind::StopCommand,
    ];
    TaskRef { proc, kind: bytes.pick(&kinds), serial: u32::from(bytes.byte() & 15) }
}

pub(super) fn end(bytes: &mut Bytes<'_>) -> TaskEnd {
    match bytes.below(4) {
        0 => TaskEnd::TimedOut,
        1 => TaskEnd::Cancelled,
        2 => TaskEnd::NotStarted("why".to_owned()),
        _ => TaskEnd::Exited { status: status(bytes), said: "said".to_owned() },
    }
}

pub(super) fn probe(bytes: &mut Bytes<'_>) -> Option<Box<Probe>> {
    let how = match bytes.below(8) {
        0 => ProbeKind::Tcp { address: "127.0.0.1:1".to_owned() },
        1 => ProbeKind::Notify,
        2 => ProbeKind::Fd(3),
        _ => return None,
    };
    Some(Box::new(Probe {
        how,
        period_ms: bytes.pick(&TIMES_MS),
        timeout_ms: bytes.pick(&TIMES_MS),
        initial_delay_ms: bytes.pick(&TIMES_MS),
        success_threshold: bytes.pick(&[1, 0, 3, u32::MAX]),
        failure_threshold: bytes.pick(&[3, 0, 1, u32::MAX]),
    }))
}
