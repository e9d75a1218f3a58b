//! What a fake child does, decided when it is spawned.

use crate::rng::Rng;
use mainstay::engine::input::SpawnErrorKind;
use mainstay::types::{ExitStatus, Signal};

#[derive(Clone, Debug)]
pub(crate) enum Birth {
    Forked,
    /// Nothing is forked.
    Refused(SpawnErrorKind),
    /// Forked, but it does not become the program.
    ExecFails,
}

/// What the rest of its process group does once the leader is there.
#[derive(Clone, Debug)]
pub(crate) struct Members {
    /// They leave by themselves so long after the start.
    pub(crate) life_ms: Option<u64>,
    /// They leave so long after a stop signal that reaches the group.
    pub(crate) on_stop_ms: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) birth: Birth,
    /// It ends by itself so long after the start, with `status`.
    pub(crate) life_ms: Option<u64>,
    pub(crate) status: ExitStatus,
    /// It ends so long after a signal other than KILL; `None`: it ignores them.
    pub(crate) on_stop_ms: Option<u64>,
    /// Its code then; `None`: it dies of the signal.
    pub(crate) stop_code: Option<u8>,
    pub(crate) members: Option<Members>,
    /// kill(2) is refused.
    pub(crate) untouchable: bool,
}

impl Script {
    /// Runs until it is told to stop, and then ends after `on_stop_ms`.
    pub(crate) fn good(on_stop_ms: u64) -> Script {
        Script {
            birth: Birth::Forked,
            life_ms: None,
            status: ExitStatus::Code(0),
            on_stop_ms: Some(on_stop_ms),
            stop_code: Some(0),
            members: None,
            untouchable: false,
        }
    }

    /// Ends with `code` after `life_ms`.
    pub(crate) fn brief(life_ms: u64, code: u8) -> Script {
        Script { life_ms: Some(life_ms), status: ExitStatus::Code(code), ..Script::good(0) }
    }

    pub(crate) fn random(rng: &mut Rng) -> Script {
        let birth = match rng.below(20) {
            0 => Birth::Refused(rng.pick(&[
                SpawnErrorKind::NoFile,
                SpawnErrorKind::NotExecutable,
                SpawnErrorKind::Other,
            ])),
            1 => Birth::ExecFails,
            _ => Birth::Forked,
        };
        let status = match rng.below(6) {
            0 => ExitStatus::Signal { signal: rng.pick(&[Signal(11), Signal::KILL]), core: rng.percent(50) },
            1 => ExitStatus::Code(2),
            2 | 3 => ExitStatus::Code(1),
            _ => ExitStatus::Code(0),
        };
        let members = rng.percent(30).then(|| Members {
            life_ms: rng.pick(&[None, Some(500), Some(20_000)]),
            on_stop_ms: rng.pick(&[None, Some(0), Some(150), Some(3_000)]),
        });
        Script {
            birth,
            life_ms: rng.pick(&[
                None,
                None,
                Some(0),
                Some(99),
                Some(100),
                Some(1_000),
                Some(1_500),
                Some(30_000),
            ]),
            status,
            on_stop_ms: rng.pick(&[Some(0), Some(3), Some(200), Some(1_000), Some(5_000), None]),
            stop_code: rng.pick(&[None, Some(0), Some(1)]),
            members,
            untouchable: rng.percent(2),
        }
    }
}
