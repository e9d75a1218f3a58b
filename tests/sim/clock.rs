//! Clock jumps change nothing: the wall clock leaps by decades while everything else is the same.

use crate::random::played;
use mainstay::control::ProcessInfo;
use mainstay::engine::action::Action;
use mainstay::types::Wall;

/// What is shown, but for the two times that are the wall clock's.
fn without_wall(mut info: ProcessInfo) -> ProcessInfo {
    info.start = Wall::default();
    info.stop = Wall::default();
    info
}

/// When a life began is shown too.
fn told_without_wall(mut action: Action) -> Action {
    if let Action::Ended(facts) = &mut action {
        facts.started.wall = Wall::default();
    }
    action
}

#[test]
fn the_wall_clock_may_jump_and_nothing_else_changes() {
    let mut shown = 0;
    for seed in 0..300 {
        let run = |jumps_ms| {
            let (mut world, _) = played(seed, |world| {
                world.wall_jumps_ms = jumps_ms;
                world.history = Some(Vec::new());
            });
            world.history.take().expect("it was asked for")
        };
        let (steady, jumping) = (run(0), run(1_000_000_000_000));
        assert_eq!(steady.len(), jumping.len(), "SEED={seed}");
        for ((at, these, infos), (at_too, those, infos_too)) in steady.into_iter().zip(jumping) {
            let actions = |all: Vec<Action>| all.into_iter().map(told_without_wall).collect::<Vec<_>>();
            assert_eq!((at, actions(these)), (at_too, actions(those)), "SEED={seed}");
            shown += infos.len();
            let (a, b) = (infos.into_iter().map(without_wall), infos_too.into_iter().map(without_wall));
            assert!(a.eq(b), "SEED={seed}: at {at:?} something else is shown");
        }
    }
    assert!(shown > 10_000, "too little has happened: {shown}");
}

#[test]
fn an_uptime_is_never_negative_and_never_longer_than_the_run() {
    for seed in 0..100 {
        let (mut world, _) = played(seed, |world| world.history = Some(Vec::new()));
        let history = world.history.take().expect("it was asked for");
        let Some(first) = history.first().map(|(at, ..)| *at) else { continue };
        for (at, _, infos) in &history {
            for info in infos {
                assert!(info.uptime_ns <= at.since_ns(first), "SEED={seed}: {}", info.uptime_ns);
            }
        }
    }
}
