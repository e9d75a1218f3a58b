//! The whole table of the engine as text: every situation with every input. `UPDATE_GOLDEN=1` writes it anew.

use super::*;
use std::fmt::Write;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/engine/transitions.txt");

const HEAD: &str = "\
# Every situation of a process slot (startsecs=1, startretries=1, autorestart=unexpected, killasgroup, Linear backoff),
# with every input: the states gone through, then the actions. Written by engine/tests/golden.rs; a change here is a
# change of behaviour.
";

type Recipe = (&'static str, fn() -> Rig);
type Deed = (&'static str, fn(&mut Rig));

fn base() -> Config {
    let mut config = one(|p| {
        p.startretries = 1;
        p.killasgroup = true;
    });
    // A neighbour in a lower tier keeps a shutdown from ending at once.
    config.groups.insert(0, group("aaa", 1, vec![program("aaa", "aaa")]));
    config
}

const SLOT: u32 = 1;

fn booted() -> Rig {
    let mut rig = Rig::booted(&base());
    rig.spawn_ok(0, 50);
    rig
}

fn spawned() -> Rig {
    let mut rig = booted();
    rig.spawn_ok(SLOT, 100);
    rig
}

fn running() -> Rig {
    let mut rig = spawned();
    rig.pass_ms(1_001);
    rig
}

fn stopping() -> Rig {
    let mut rig = running();
    rig.stop(false);
    rig
}

fn with(mut rig: Rig, deed: impl FnOnce(&mut Rig)) -> Rig {
    deed(&mut rig);
    rig
}

const SITUATIONS: [Recipe; 12] = [
    ("STOPPED, never started", || Rig::new(&base())),
    ("STARTING, fork not answered", booted),
    ("STARTING, the same and a stop", || {
        with(booted(), |r| {
            r.stop(false);
        })
    }),
    ("STARTING", spawned),
    ("RUNNING", running),
    ("BACKOFF", || with(spawned(), |r| r.exits(SLOT, 1))),
    ("STOPPING", stopping),
    ("STOPPING, leader reaped", || with(stopping(), |r| r.exits(SLOT, 0))),
    ("STOPPED", || {
        with(stopping(), |r| {
            r.exits(SLOT, 0);
            r.checked(SLOT, false);
        })
    }),
    ("EXITED", || with(running(), |r| r.exits(SLOT, 0))),
    ("FATAL", || {
        with(spawned(), |r| {
            r.exits(SLOT, 1);
            r.pass_ms(1_001);
            r.spawn_ok(SLOT, 101);
            r.exits(SLOT, 1);
        })
    }),
    ("UNKNOWN", || with(running(), kill_fails)),
];

fn kill_fails(rig: &mut Rig) {
    let proc = rig.proc(SLOT);
    rig.step(Input::KillFailed { proc, errno: "EPERM".into() });
}

const INPUTS: [Deed; 18] = [
    ("Deadline (its own)", |r| {
        if let Some(at) = own_deadline(r) {
            r.now.mono = at;
        }
        r.step(Input::Deadline);
    }),
    ("Spawned", |r| r.spawn_ok(SLOT, 200)),
    ("SpawnFailed", |r| r.spawn_fails(SLOT, SpawnErrorKind::NoFile, "can't find command 'x'")),
    ("ExecFailed", |r| {
        let proc = r.proc(SLOT);
        r.step(Input::ExecFailed { proc, text: "why".into() });
    }),
    ("Exited(0)", |r| r.exits(SLOT, 0)),
    ("Exited(1)", |r| r.exits(SLOT, 1)),
    ("GroupChecked(alive)", |r| r.checked(SLOT, true)),
    ("GroupChecked(empty)", |r| r.checked(SLOT, false)),
    ("KillFailed", kill_fails),
    ("Exited of an old incarnation", |r| {
        let now = r.proc(SLOT);
        let proc = ProcRef { incarnation: now.incarnation.wrapping_sub(1), ..now };
        r.step(Input::Exited { proc, status: ExitStatus::Code(1) });
    }),
    ("start", |r| {
        r.start(false);
    }),
    ("start, wait", |r| {
        r.start(true);
    }),
    ("stop", |r| {
        r.stop(false);
    }),
    ("stop, wait", |r| {
        r.stop(true);
    }),
    ("signal", |r| {
        r.command(Command::Signal { target: web(), signal: Signal::HUP });
    }),
    ("a routed signal", |r| r.step(Input::Forward { slot: SLOT, signal: Signal::HUP })),
    ("Shutdown", |r| r.step(Input::Shutdown { signal: Signal::TERM })),
    ("Restart", |r| r.step(Input::Restart { signal: Signal::HUP })),
];

fn own_deadline(rig: &Rig) -> Option<Mono> {
    use crate::engine::timers::Deadline;
    let kinds = [Deadline::StartSecs, Deadline::Backoff, Deadline::StopGrace, Deadline::GroupPoll];
    kinds.iter().filter_map(|kind| rig.engine.timers.at(SLOT, *kind)).min()
}

fn shown(action: &Action) -> Option<String> {
    let mine = |p: &ProcRef| p.slot == SLOT;
    Some(match action {
        Action::Spawn(p) if mine(p) => format!("spawn #{}", p.incarnation),
        Action::Kill { proc, pid, scope, signal } if mine(proc) => {
            format!("kill {pid} {scope:?} {signal}").to_lowercase()
        }
        Action::CheckGroup { proc, pid, .. } if mine(proc) => format!("check group {pid}"),
        Action::Reply { outcome: Outcome::Done, .. } => "reply done".into(),
        Action::Reply { outcome: Outcome::Fault(fault), .. } => format!("reply {fault}"),
        Action::Exit(leave) => format!("leave {leave:?}"),
        Action::Bug(_) => "bug".into(),
        Action::Reply { outcome: Outcome::Each(_), .. }
        | Action::Spawn(_)
        | Action::Kill { .. }
        | Action::CheckGroup { .. }
        | Action::RunTask { .. }
        | Action::LastWords { .. }
        | Action::EndTask(_)
        | Action::Publish(_)
        | Action::Ended(_)
        | Action::Stopping
        | Action::Vacated(_)
        | Action::Renewed(_)
        | Action::Log(..) => return None,
    })
}

fn table() -> String {
    let mut text = HEAD.to_owned();
    for (situation, recipe) in SITUATIONS {
        let _ = write!(text, "\n{situation}\n");
        for (input, deed) in INPUTS {
            let mut rig = recipe();
            let before = rig.state(SLOT);
            deed(&mut rig);
            let mut path = String::new();
            for action in &rig.out {
                if let Action::Publish(c) = action
                    && c.proc.slot == SLOT
                {
                    let _ = write!(path, " -> {}", c.to.name());
                }
            }
            if path.is_empty() {
                assert_eq!(rig.state(SLOT), before, "a change that was not published");
            }
            let actions: Vec<String> = rig.out.iter().filter_map(shown).collect();
            let _ = writeln!(text, "  {:<29}{:<40}{}", input, path.trim_start(), actions.join("; "));
        }
    }
    text.lines().map(|l| format!("{}\n", l.trim_end())).collect()
}

#[test]
fn the_table_of_transitions_is_the_one_that_was_agreed() {
    let now = table();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(PATH, &now).expect("the golden file can be written");
    }
    let agreed = std::fs::read_to_string(PATH).expect("the golden file is there");
    for (line, (a, b)) in agreed.lines().zip(now.lines()).enumerate() {
        assert_eq!(a, b, "transitions.txt line {}; UPDATE_GOLDEN=1 writes it anew", line + 1);
    }
    assert_eq!(agreed.lines().count(), now.lines().count());
}
