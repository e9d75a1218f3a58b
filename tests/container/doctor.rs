//! The doctor beside a daemon that is PID 1, by `docker exec`.

use crate::docker::{missing, start};
use harness::wait_until;

#[test]
fn a_container_tells_its_zombies_limits_and_time_to_stop() {
    if missing() {
        return;
    }
    let options = ["--memory", "64m", "--pids-limit", "50", "--ulimit", "nofile=200:300"];
    let program = ["-e", "MAINSTAY_PROGRAM__CARELESS__COMMAND=/puppet spawn-zombie say up hold"];
    let container = start(&[&options[..], &program[..]].concat(), &[]);
    container.wait_said("up");
    let doctor = |more: &[&str]| container.exec(&[&["/mainstay", "doctor"], more].concat());
    wait_until("it is seen", || doctor(&[]).stdout.contains("1 zombie of process"));
    let done = doctor(&["--grace", "30s"]);
    done.expect(0);
    for line in [
        "ok    PID 1: it is mainstay, which reaps and hands signals on",
        " `puppet`; not mainstay's: only their living parent can reap them",
        "ok    open files: 300 at most, 300 if raised",
        " of 50 in use",
        " of 64 MiB in use",
        "ok    configuration: environment: 1 program",
        "ok    commands: all 1 can be run",
        "ok    time to stop: at most 10 s (10 s careless); the container has 30 s",
        "ok    kills for lack of memory: there were none",
    ] {
        assert!(done.stdout.contains(line), "no `{line}` in\n{}", done.stdout);
    }
    doctor(&["--grace", "5s"]).expect(1);
}
