//! The engine takes any input in any state: nonsense becomes a `Bug` and changes nothing.

use super::*;

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn three() -> Config {
    let mut family = program("b", "family");
    family.killasgroup = true;
    let mut quick = program("b", "quick");
    quick.startsecs_ms = 0;
    quick.backoff = Backoff::CONTAINER;
    config(vec![group("web", 1, vec![program("web", "web")]), group("b", 2, vec![family, quick])])
}

fn any_input(dice: &mut Dice, rig: &Rig, n: u64) -> Input {
    let slot = u32::try_from(dice.below(4)).expect("small");
    let present = rig.engine.slots.get(slot as usize).map_or(0, |s| s.incarnation);
    let incarnation = match dice.below(8) {
        0 => present.wrapping_sub(1),
        1 => present + 1,
        _ => present,
    };
    let proc = ProcRef { slot, incarnation };
    let target = if dice.below(2) == 0 { web() } else { Target::All };
    let wait = dice.below(2) == 0;
    let command = match dice.below(40) {
        0 => Command::Shutdown,
        1 => Command::Restart,
        2..=20 => Command::Start { target, wait },
        21..=35 => Command::Stop { target, wait },
        _ => Command::Signal { target, signal: Signal::HUP },
    };
    let error = SpawnError { kind: SpawnErrorKind::Other, text: "why".into() };
    match dice.below(80) {
        0 => Input::Boot,
        1 => Input::Shutdown { signal: Signal::TERM },
        2 => Input::Restart { signal: Signal::HUP },
        3..=10 => Input::Deadline,
        11..=25 => Input::Spawned { proc, pid: Pid(7) },
        26..=35 => Input::SpawnFailed { proc, error },
        36..=40 => Input::ExecFailed { proc, text: "why".into() },
        41..=55 => Input::Exited { proc, status: ExitStatus::Code(u8::from(wait)) },
        56..=60 => Input::GroupChecked { proc, alive: wait },
        64..=66 => Input::Forward { slot, signal: Signal::HUP },
        61..=63 => Input::KillFailed { proc, errno: "EPERM".into() },
        _ => Input::Command { id: CommandId(n), command },
    }
}

#[test]
fn any_input_is_legal_in_any_state() {
    let (mut n_bugs, mut n_left) = (0, 0);
    for seed in 0..300 {
        let mut dice = Dice(seed);
        let mut rig = Rig::booted(&three());
        for n in 0..150 {
            let states = |rig: &Rig| rig.engine.slots.iter().map(|s| (s.state, s.life)).collect::<Vec<_>>();
            let before = states(&rig);
            let input = any_input(&mut dice, &rig, n);
            rig.now.mono = rig.now.mono.plus_ms(i64::try_from(dice.below(700)).expect("small"));
            rig.step(input);
            if rig.bugs() > 0 {
                n_bugs += 1;
                assert_eq!((rig.out.len(), states(&rig)), (1, before));
            }
            n_left += usize::from(rig.leave().is_some());
        }
    }
    assert!(n_bugs > 1_000 && n_left > 100, "the dice are too tame: {n_bugs} bugs, {n_left} ends");
}
