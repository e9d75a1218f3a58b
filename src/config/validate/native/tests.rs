use crate::config::diag::Severity;
use crate::config::model::{
    Backoff, Bind, Config, DependsOn, Inherit, LogFormat, LogTarget, Native, Need, Overlap, ProbeKind,
    Program, Route, SignalTarget,
};
use crate::config::print::{to_env, to_ini, to_toml};
use crate::config::testing::{FakeWorld, findings, load_ini, load_text, load_toml};
use crate::config::{Loaded, Sources, load};
use crate::types::Signal;

fn good(loaded: Result<Loaded, crate::config::diag::Diagnostics>) -> Config {
    loaded.unwrap_or_else(|found| panic!("{}", found.render())).config
}

fn ini(text: &str) -> Config {
    good(load_ini(text))
}

fn toml(text: &str) -> Config {
    good(load_toml(text))
}

fn only(config: &Config) -> &Program {
    config.processes().next().expect("there is one")
}

fn env(text: &str) -> Config {
    let vars =
        text.lines().filter_map(|line| line.split_once('=')).filter(|(name, _)| !name.starts_with('#'));
    let env = vars.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    good(load(&Sources { env, ..Sources::default() }, &FakeWorld::with(&[])))
}

/// Message and hint of the one finding.
#[track_caller]
fn refused(loaded: Result<Loaded, crate::config::diag::Diagnostics>) -> (String, String) {
    let mut all = findings(loaded);
    all.retain(|d| d.severity == Severity::Error);
    assert_eq!(all.len(), 1, "{all:?}");
    let one = all.remove(0);
    assert!(one.span.is_some(), "{one:?}");
    (one.message, one.hint.unwrap_or_default())
}

const FULL: &str = "\
[supervisor]
drain_delay = \"1500ms\"
shutdown_timeout = 20
termination_log = \"/dev/termination-log\"
[signals]
HUP = \"update\"
USR1 = \"web:USR2\"
QUIT = \"ignore\"
WINCH = \"TERM\"
[program.db]
command = \"db\"
readiness.tcp = 5432
readiness = { period = 2, timeout = \"500ms\", initial_delay = 1, success_threshold = 2, failure_threshold = 5 }
bind = \"stop\"
gates = [\"live\", \"ready\"]
critical = true
log_format = \"json\"
log_overflow = \"drop\"
log_rate_limit = 100
[program.migrate]
command = \"migrate\"
oneshot = true
depends_on = [\"db\"]
[program.cron]
command = \"cron\"
schedule = \"*/5 * * * *\"
schedule_timezone = \"UTC\"
schedule_overlap = \"queue\"
gates = \"none\"
[program.web]
command = \"web\"
depends_on = { db = \"service_healthy\", migrate = { condition = \"service_completed_successfully\" } }
liveness = { http = \":8080/live?x=100%\", failure_threshold = 1 }
readiness.log = \"ready in [0-9]+ms ${1}$\"
backoff = { initial = 2, factor = 1.5, max = 30, jitter = \"20%\", reset_after = 90 }
max_restarts = 5
restart_window = 120
stopsignal = \"TERM:10, QUIT:5, KILL\"
stop_command = \"web --stop 'a b'\"
pre_start = [\"sh\", \"-c\", \"echo 'x y'\"]
post_stop = \"clean\"
hook_timeout = 7
signal_target = \"tree\"
env_file = [\"/etc/web.env\", \"/etc/local.env?\"]
env_dir = \"/run/secrets\"
env_from_file = { TOKEN = \"/run/token\", Key = \"/run/key?\" }
env_inherit = [\"PATH\", \"LC_*\"]
rlimits = { nofile = \"1024:4096\", core = \"unlimited\" }
nice = 5
ionice = \"idle\"
oom_score_adj = -500
no_new_privs = true
capabilities = [\"CAP_NET_BIND_SERVICE\", \"chown\"]
capabilities_drop = [\"kill\"]
capabilities_ambient = [\"net_bind_service\"]
groups = [\"www\", 7]
chroot = \"/srv\"
memory_max = \"256MB\"
[program.quiet]
command = \"quiet\"
log_capture = false
liveness_notify = true
env_inherit = false
[program.six]
command = \"six\"
readiness_fd = 3
liveness_exec = \"check 'a b'\"
";

fn full() -> Config {
    toml(
        &FULL
            .replace("${1}", "$${1}")
            .replace("readiness.tcp = 5432\nreadiness = {", "readiness = { tcp = 5432,"),
    )
}

#[test]
fn every_setting_is_read() {
    let config = full();
    let s = &config.supervisor;
    assert_eq!((s.drain_delay_ms, s.shutdown_timeout_ms), (1500, Some(20_000)));
    assert_eq!(s.termination_log.as_deref(), Some("/dev/termination-log".as_ref()));
    let web_usr2 = Route::To { target: "web".into(), signal: Signal::USR2 };
    assert_eq!(
        s.signals,
        [
            (Signal::HUP, Route::Update),
            (Signal::QUIT, Route::Ignore),
            (Signal::USR1, web_usr2),
            (Signal(28), Route::As(Signal::TERM)),
        ]
    );
    let find = |name: &str| config.processes().find(|p| p.name == name).expect("it is there");
    let db = find("db");
    let ready = db.native.readiness.as_deref().expect("a check");
    assert_eq!(ready.how, ProbeKind::Tcp { address: "127.0.0.1:5432".into() });
    let times = (
        ready.period_ms,
        ready.timeout_ms,
        ready.initial_delay_ms,
        ready.success_threshold,
        ready.failure_threshold,
    );
    assert_eq!(times, (2000, 500, 1000, 2, 5));
    assert_eq!((db.native.bind, db.native.critical, db.native.gates.startup), (Bind::Stop, true, false));
    assert_eq!((db.native.log.format, db.native.log.rate_limit), (LogFormat::Json, 100));
    let on_db = DependsOn { target: "db".into(), need: Need::Ready };
    assert_eq!(find("migrate").native.depends_on, std::slice::from_ref(&on_db));
    let schedule = find("cron").native.schedule.clone().expect("a schedule");
    assert_eq!((schedule.text.as_str(), schedule.overlap), ("*/5 * * * *", Overlap::Queue));
    let web = find("web");
    assert_eq!(web.native.depends_on, [on_db, DependsOn { target: "migrate".into(), need: Need::Completed }]);
    assert_eq!(
        web.native.liveness.as_ref().map(|p| p.how.clone()),
        Some(ProbeKind::Http { url: "http://127.0.0.1:8080/live?x=100%".into() })
    );
    let backoff = Backoff::Exponential {
        initial_ms: 2000,
        factor_percent: 150,
        max_ms: 30_000,
        jitter_percent: 20,
        reset_after_ms: 90_000,
    };
    assert_eq!(
        (web.backoff, web.native.max_restarts, web.native.restart_window_ms),
        (backoff, Some(5), 120_000)
    );
    assert_eq!(
        (web.stopsignal, web.stopwaitsecs_ms, web.native.stop_ladder.len()),
        (Signal::TERM, 10_000, 2)
    );
    let hooks = web.native.hooks.as_deref().expect("hooks");
    assert_eq!(hooks.pre_start.as_ref().map(|h| h.argv.len()), Some(3));
    assert_eq!((hooks.timeout_ms, web.native.signal_target), (7000, Some(SignalTarget::Tree)));
    let env = web.native.env.as_deref().expect("sources");
    assert!(env.files[1].optional && !env.files[0].optional && env.from_file.len() == 2);
    assert_eq!(env.inherit, Inherit::Only(vec!["PATH".into(), "LC_*".into()]));
    let limits = web.native.limits.as_deref().expect("limits");
    assert_eq!(limits.rlimits, [("core".to_owned(), u64::MAX, u64::MAX), ("nofile".to_owned(), 1024, 4096)]);
    assert_eq!(
        (limits.nice, limits.groups.as_deref(), limits.memory_max),
        (Some(5), Some(&[33, 7][..]), Some(256 << 20))
    );
    let quiet = find("quiet");
    assert_eq!((&quiet.stdout.target, &quiet.stderr.target), (&LogTarget::Inherit, &LogTarget::Inherit));
    assert_eq!(quiet.native.liveness.as_ref().map(|p| p.timeout_ms), Some(30_000));
    assert_eq!(find("six").native.readiness.as_ref().map(|p| p.how.clone()), Some(ProbeKind::Fd(3)));
}

/// What is printed in a language and read again is the same in everything that is ours.
#[test]
fn every_setting_survives_every_language() {
    let want = full();
    let in_ini = to_ini(&want, true);
    let in_env = to_env(&want, true);
    assert!(!in_env.contains("# left out"), "{in_env}");
    let again = [
        (toml(&to_toml(&want, true)), to_toml(&want, true)),
        (good(load_text("/e/s.conf", &in_ini, &[])), in_ini),
        (env(&in_env), in_env),
    ];
    for (config, text) in again {
        assert_eq!(config.supervisor.signals, want.supervisor.signals, "{text}");
        assert_eq!(config.supervisor.drain_delay_ms, want.supervisor.drain_delay_ms, "{text}");
        assert_eq!(config.supervisor.shutdown_timeout_ms, want.supervisor.shutdown_timeout_ms, "{text}");
        assert_eq!(config.supervisor.termination_log, want.supervisor.termination_log, "{text}");
        assert_eq!(config.groups.len(), want.groups.len(), "{text}");
        for (got, want) in config.processes().zip(want.processes()) {
            assert_eq!(got.native, want.native, "{text}");
            let life = |p: &Program| (p.backoff, p.stopsignal, p.stopwaitsecs_ms);
            assert_eq!(life(got), life(want), "{text}");
            assert_eq!(
                (&got.stdout.target, &got.stderr.target),
                (&want.stdout.target, &want.stderr.target),
                "{text}"
            );
        }
    }
}

/// A second model: Supervisor's defaults, and what INI says in its own way.
#[test]
fn ini_survives_every_language_too() {
    let text = "[mainstay]\nsignal_hup=update\ndrain_delay=2\n[program:a]\ncommand=x\nreadiness_exec=sh -c 'echo 100%%'\n\
                env_from_file=A=\"/run/a\",B=\"/run/b?\"\ndepends_on=b:ended\nbackoff_max=5\n[program:b]\ncommand=x\noneshot=yes\n\
                rlimit_nofile=64\nenv_file=/a, /b?\ngroups=none\ncapabilities=none\ncapabilities_drop=all\n";
    let want = ini(text);
    let natives = |config: &Config| config.processes().map(|p| p.native.clone()).collect::<Vec<Native>>();
    assert!(natives(&want).iter().all(|n| *n != Native::default()));
    assert_eq!(natives(&toml(&to_toml(&want, true))), natives(&want));
    assert_eq!(natives(&env(&to_env(&want, true))), natives(&want));
    assert_eq!(natives(&good(load_text("/e/s.conf", &to_ini(&want, true), &[]))), natives(&want));
}

#[test]
fn a_plain_file_has_none_of_it() {
    let config = ini("[program:a]\ncommand=x\nstopsignal=QUIT\nstopwaitsecs=3\n");
    let p = only(&config);
    assert_eq!(p.native, Native::default());
    assert_eq!((p.backoff, p.stopsignal, p.stopwaitsecs_ms), (Backoff::Linear, Signal::QUIT, 3000));
    assert_eq!(only(&toml("[program.a]\ncommand = 'x'\n")).backoff, Backoff::CONTAINER);
}

#[test]
fn what_does_not_go_together_is_refused_with_its_place() {
    let of = |more: &str| refused(load_ini(&format!("[program:a]\ncommand=x\n{more}\n")));
    for (text, message) in [
        ("readiness_http=:80/\nreadiness_tcp=80", "`readiness_http` is there as well"),
        ("liveness_log=x", "it can only say once"),
        ("liveness_fd=3", "it can only say once"),
        ("readiness_log=port [0-9", "not a regular expression"),
        ("readiness_log=ready\nlog_capture=false", "`readiness_log` needs its output"),
        ("liveness_tcp=80\nliveness_success_threshold=2", "one pass is enough"),
        ("readiness_tcp=80\nreadiness_failure_threshold=0", "0 is out of bounds"),
        ("readiness_tcp=80\nreadiness_period=0", "the time is 0"),
        ("readiness_period=5", "there is no check that it belongs to"),
        ("readiness_fd=64", "64 is out of bounds"),
        ("readiness_http=https://x/", "https is not known"),
        ("oneshot=true\nschedule=* * * * *", "it has a `schedule`"),
        ("oneshot=true\nreadiness_tcp=80", "it runs to its end"),
        ("schedule=* * * *", "this one has 4"),
        ("schedule_overlap=queue", "there is no `schedule`"),
        ("stopsignal=TERM:5\nstopwaitsecs=6", "names another time"),
        ("stopsignal=KILL:5, TERM", "something stands behind KILL"),
        ("backoff_initial=9\nbackoff_max=8", "it is below `backoff_initial`"),
        ("restart_window=9", "there is no `max_restarts`"),
        ("hook_timeout=9", "there is no hook"),
        ("pre_start=sh -c 'x", "No closing quotation"),
        ("log_capture=false\nstdout_logfile=/tmp/x", "`stdout_logfile` needs its output"),
        ("capabilities_drop=chown\ncapabilities_ambient=chown", "`chown` is dropped"),
        ("rlimit_nofile=9:8", "the soft limit is above"),
        ("chroot=srv", "an absolute path"),
        ("groups=ghost", "there is no group `ghost`"),
        ("depends_on=a", "a -> a"),
    ] {
        let (found, hint) = of(text);
        assert!(found.contains(message), "{text}: {found}");
        assert!(!hint.is_empty(), "{text}: {found}");
    }
}

#[test]
fn several_mistakes_are_found_at_once() {
    let found =
        findings(load_ini("[program:a]\ncommand=x\nnice=99\nionice=fast\nreadiness_tcp=x\nbind=stpo\n"));
    let mut lines: Vec<u32> = found.iter().filter_map(|d| d.span.as_ref()).map(|s| s.line).collect();
    lines.sort_unstable();
    assert_eq!(lines, [4, 5, 6, 7], "{found:?}");
}

#[test]
fn dependencies_name_somebody_and_go_one_way() {
    let (message, hint) = refused(load_toml(
        "[program.web]\ncommand='x'\ndepends_on='databse'\n[program.database]\ncommand='x'\n",
    ));
    assert!(message.contains("there is no program or group `databse`"), "{message}");
    assert_eq!(hint, "did you mean `database`?");
    let circle = "[program:a]\ncommand=x\ndepends_on=b\n[program:b]\ncommand=x\ndepends_on=g\n[program:c]\ncommand=x\ndepends_on=a\n[group:g]\nprograms=c\n";
    let (message, _) = refused(load_ini(circle));
    assert!(
        ["a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c"].iter().any(|c| message.contains(c)),
        "{message}"
    );
    // One of a group, and one by its full name.
    let config = ini(
        "[program:a]\ncommand=x\ndepends_on=g:b:completed, c\n[program:b]\ncommand=x\n[program:c]\ncommand=x\nreadiness_notify=true\n[group:g]\nprograms=b,c\n",
    );
    let needs: Vec<(String, Need)> =
        only(&config).native.depends_on.iter().map(|d| (d.target.clone(), d.need)).collect();
    assert_eq!(needs, [("g:b".to_owned(), Need::Completed), ("c".to_owned(), Need::Ready)]);
}

#[test]
fn variables_name_programs_in_lower_case() {
    let vars = [
        ("MAINSTAY_PROGRAM__WEB", "web"),
        ("MAINSTAY_PROGRAM__WEB__DEPENDS_ON__MY_DB", "started"),
        ("MAINSTAY_SIGNALS__HUP", "ignore"),
        ("MAINSTAY_PROGRAM__WEB__RLIMITS__NOFILE", "64"),
    ];
    let loaded = load_text("/e/m.toml", "[program.my-db]\ncommand = 'db'\n", &vars);
    let config = good(loaded);
    let web = config.processes().find(|p| p.name == "web").expect("it is there");
    assert_eq!(web.native.depends_on, [DependsOn { target: "my-db".into(), need: Need::Started }]);
    assert_eq!(web.native.limits.as_ref().map(|l| l.rlimits.len()), Some(1));
    assert_eq!(config.supervisor.signals, [(Signal::HUP, Route::Ignore)]);
}

#[test]
fn every_signal_of_the_table_survives_the_way() {
    let keys = crate::config::settings::all().filter_map(|s| s.key.strip_prefix("signal_"));
    let keys: Vec<&str> = keys.filter(|key| *key != "target").collect();
    assert!(keys.len() > 15, "{keys:?}");
    for key in keys {
        let config = ini(&format!("[mainstay]\nsignal_{key}=ignore\n[program:a]\ncommand=x\n"));
        assert_eq!(config.supervisor.signals.len(), 1, "{key}");
        assert_eq!(toml(&to_toml(&config, true)).supervisor.signals, config.supervisor.signals, "{key}");
    }
    assert_eq!(toml("[signals]\nSIGIO = 'ignore'\n[program.a]\ncommand = 'x'\n").supervisor.signals.len(), 1);
}

#[test]
fn a_signal_that_goes_to_nobody_is_refused() {
    let (message, hint) = refused(load_ini("[mainstay]\nsignal_usr1=wbe:USR1\n[program:web]\ncommand=x\n"));
    assert_eq!(message, "cannot route USR1 of [mainstay]: there is no program or group `wbe`");
    assert_eq!(hint, "did you mean `web`?");
    let (message, hint) = refused(load_toml("[signals]\nHUPP = 'update'\n[program.web]\ncommand='x'\n"));
    assert!(message.contains("`HUPP`") && hint.contains("`HUP`"), "{message} {hint}");
}

#[test]
fn copies_of_a_program_may_have_checks_of_their_own() {
    let config = ini(
        "[program:a]\ncommand=x\nnumprocs=2\nprocess_name=a%(process_num)d\nreadiness_tcp=900%(process_num)d\n",
    );
    let ports: Vec<String> =
        config.processes().map(|p| format!("{:?}", p.native.readiness.as_ref().map(|c| &c.how))).collect();
    assert!(ports[0].contains(":9000") && ports[1].contains(":9001"), "{ports:?}");
}
