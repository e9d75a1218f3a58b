//! Configurations: a plain one to change, and random ones.

use crate::rng::Rng;
use mainstay::config::model::{
    Autorestart, Backoff, Bind, Condition, Config, Dependency, DependsOn, Dialect, Group, GroupKind,
    HookCommand, Hooks, LogPlan, LogTarget, MainLog, Milestone, Native, Need, Program, SignalTarget, Stdin,
    StopStep, Supervisor, Waits,
};
use mainstay::types::{LogLevel, Signal};

pub(crate) fn program(group: &str, name: &str) -> Program {
    let plan = LogPlan {
        target: LogTarget::None,
        maxbytes: 0,
        backups: 0,
        capture_maxbytes: 0,
        events: false,
        syslog: false,
    };
    Program {
        name: name.into(),
        group: group.into(),
        program: name.into(),
        command: "x".into(),
        argv: Ok(vec!["x".into()]),
        directory: None,
        environment: Vec::new(),
        user: None,
        umask: None,
        priority: 999,
        autostart: true,
        autorestart: Autorestart::Unexpected,
        exitcodes: vec![0],
        startsecs_ms: 1_000,
        startretries: 3,
        backoff: Backoff::Linear,
        stopsignal: Signal::TERM,
        stopwaitsecs_ms: 10_000,
        stopasgroup: false,
        killasgroup: false,
        stdin: Stdin::Pipe,
        socket: None,
        redirect_stderr: false,
        stdout: plan.clone(),
        stderr: plan,
        serverurl: None,
        main: false,
        waits: None,
        native: Native::default(),
    }
}

pub(crate) fn group(name: &str, priority: i64, programs: Vec<Program>) -> Group {
    Group { name: name.into(), priority, kind: GroupKind::Program, programs }
}

/// Groups are put in start order, as validation does.
pub(crate) fn config(mut groups: Vec<Group>) -> Config {
    groups.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
    Config {
        dialect: Dialect::Ini,
        path: None,
        supervisor: Supervisor {
            logfile: MainLog::None,
            logfile_maxbytes: 0,
            logfile_backups: 0,
            loglevel: LogLevel::Info,
            log_stream: None,
            pidfile: None,
            umask: 0o22,
            nodaemon: true,
            silent: false,
            minfds: 1024,
            minprocs: 200,
            nocleanup: false,
            childlogdir: None,
            user: None,
            directory: None,
            strip_ansi: false,
            environment: Vec::new(),
            identifier: "supervisor".into(),
            exit_when_all_exited: false,
            create_directories: false,
            drain_delay_ms: 0,
            shutdown_timeout_ms: None,
            termination_log: None,
            signals: Vec::new(),
        },
        http: Vec::new(),
        control: Vec::new(),
        groups,
    }
}

/// One group with one process of the same name, changed by `change`.
pub(crate) fn single(name: &str, change: impl FnOnce(&mut Program)) -> Group {
    let mut p = program(name, name);
    change(&mut p);
    group(name, 999, vec![p])
}

fn random_backoff(rng: &mut Rng) -> Backoff {
    match rng.below(4) {
        0 => Backoff::CONTAINER,
        1 => Backoff::Exponential {
            initial_ms: rng.pick(&[0, 1, 50, 700]),
            factor_percent: rng.pick(&[100, 150, 200, 1_000]),
            max_ms: rng.pick(&[10, 1_000, 3_000]),
            jitter_percent: rng.pick(&[0, 10, 100]),
            reset_after_ms: rng.pick(&[0, 500, 5_000]),
        },
        _ => Backoff::Linear,
    }
}

fn random_program(rng: &mut Rng, group: &str, name: &str) -> Program {
    let mut p = program(group, name);
    p.priority = rng.pick(&[-1, 1, 1, 5, 999]);
    p.autostart = rng.percent(75);
    p.autorestart = rng.pick(&[Autorestart::Never, Autorestart::Always, Autorestart::Unexpected]);
    p.exitcodes = rng.pick(&[vec![0], vec![0, 2], vec![]]);
    p.startsecs_ms = rng.pick(&[-1_000, 0, 100, 1_000, 1_000, 3_000]);
    p.startretries = rng.pick(&[-1, 0, 1, 3, 3, 10]);
    p.backoff = random_backoff(rng);
    p.stopsignal = rng.pick(&[Signal::TERM, Signal::TERM, Signal::INT, Signal::QUIT, Signal::KILL]);
    p.stopwaitsecs_ms = rng.pick(&[-1_000, 0, 100, 1_000, 10_000]);
    p.killasgroup = rng.percent(50);
    p.stopasgroup = p.killasgroup && rng.percent(50);
    let targets = [SignalTarget::Process, SignalTarget::Group, SignalTarget::Tree];
    p.native.signal_target = rng.percent(30).then(|| rng.pick(&targets));
    p.program = format!("{group}.{name}");
    if !p.autostart && rng.percent(60) {
        p.waits = Some(Box::new(random_waits(rng)));
    }
    p
}

/// Some programs get hooks, and ladders of stop signals.
pub(crate) fn add_hooks(rng: &mut Rng, config: &mut Config) {
    for p in config.groups.iter_mut().flat_map(|g| &mut g.programs) {
        if rng.percent(30) {
            p.native.hooks = Some(Box::new(random_hooks(rng)));
        }
        if rng.percent(20) {
            let step = |rng: &mut Rng| StopStep {
                after_ms: rng.pick(&[0, 10, 2_000]),
                signal: rng.pick(&[Signal::INT, Signal::QUIT, Signal::KILL]),
            };
            p.native.stop_ladder = (0..rng.below(4)).map(|_| step(rng)).collect();
        }
    }
}

fn random_hooks(rng: &mut Rng) -> Hooks {
    let command =
        |rng: &mut Rng| rng.percent(60).then(|| HookCommand { text: "x".into(), argv: vec!["x".into()] });
    Hooks {
        pre_start: command(rng),
        post_stop: command(rng),
        stop_command: command(rng),
        timeout_ms: rng.pick(&[0, 50, 1_000, 60_000]),
    }
}

/// On programs that may be there or not, circles included: the engine must stand whatever it is given.
fn random_waits(rng: &mut Rng) -> Waits {
    let dependency = |rng: &mut Rng| Dependency {
        target: rng.pick(&["g0.g0", "g0.p9", "g1.g1", "g1.p9", "g1.p8", "g2.p9", "g3.p8"]).into(),
        condition: Condition::Reached((0..rng.below(3)).map(|_| rng.pick(&Milestone::ALL)).collect()),
    };
    Waits {
        depends: (0..rng.below(3)).map(|_| dependency(rng)).collect(),
        urgency: rng.pick(&[1, 2, i64::MAX]),
        rank: rng.pick(&[0, 1, 1, 7]),
        inherits: false,
    }
}

pub(crate) fn random(rng: &mut Rng) -> Config {
    let mut groups = Vec::new();
    for g in 0..rng.below(6) {
        let name = format!("g{g}");
        let n_programs = 1 + rng.below(4);
        let programs = (0..n_programs).map(|p| {
            let own = if n_programs == 1 { name.clone() } else { format!("p{}", 9 - p) };
            random_program(rng, &name, &own)
        });
        let programs = programs.collect();
        groups.push(group(&name, rng.pick(&[-1, 1, 1, 2, 999]), programs));
    }
    let mut config = config(groups);
    config.supervisor.exit_when_all_exited = rng.percent(30);
    if rng.percent(10)
        && let Some(main) = config.groups.first_mut().and_then(|g| g.programs.first_mut())
    {
        main.main = true;
    }
    config
}

/// Some programs depend on others before them, some run once, some count; and the end takes its time.
pub(crate) fn add_natives(rng: &mut Rng, config: &mut Config) {
    if rng.percent(40) {
        return;
    }
    let mut before: Vec<String> = Vec::new();
    for group in &mut config.groups {
        for program in &mut group.programs {
            let native = &mut program.native;
            for target in &before {
                if rng.percent(15) {
                    let need = rng.pick(&[Need::Started, Need::Ready, Need::Completed, Need::Ended]);
                    native.depends_on.push(DependsOn { target: target.clone(), need });
                }
            }
            native.bind = rng.pick(&[Bind::None, Bind::Stop, Bind::Restart]);
            native.oneshot = rng.percent(10);
            native.critical = rng.percent(2);
            native.max_restarts = rng.pick(&[None, None, Some(0), Some(2)]);
            native.restart_window_ms = rng.pick(&[0, 10_000]);
            let is_alone = program.group == program.name;
            before.push(if is_alone {
                program.name.clone()
            } else {
                format!("{}:{}", program.group, program.name)
            });
        }
    }
    config.supervisor.drain_delay_ms = rng.pick(&[0, 0, 700]);
    config.supervisor.shutdown_timeout_ms = rng.pick(&[None, Some(0), Some(1_000), Some(20_000)]);
}
