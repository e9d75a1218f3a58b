//! Limits and rights of programs, as their own /proc tells them; and what is said when one cannot be set.

use crate::support::{ctl, ini, metric, needs_root, sample, toml};
use harness::{Daemon, Setup, proc, root::Root, wait_until};
use std::path::Path;

const TELL: &str = "cat /proc/self/limits /proc/self/status /proc/self/oom_score_adj > @dir@/told.tmp; \
                    nice > @dir@/nice; ionice > @dir@/ionice; mv @dir@/told.tmp @dir@/told; exec @puppet@ hold";

fn told(daemon: &Daemon) -> String {
    wait_until("it has told", || Path::new(&daemon.dir().join("told")).exists());
    daemon.dir().read("told")
}

/// Soft and hard limit of `Max open files`.
fn limit(told: &str, name: &str) -> (String, String) {
    let line = told.lines().find_map(|l| l.strip_prefix(name)).expect("the limit");
    let mut words = line.split_whitespace().map(str::to_owned);
    (words.next().expect("a soft limit"), words.next().expect("a hard limit"))
}

fn is_limited(daemon: &Daemon) {
    let told = told(daemon);
    let pair = |soft: &str, hard: &str| (soft.to_owned(), hard.to_owned());
    assert_eq!(limit(&told, "Max open files"), pair("200", "300"));
    assert_eq!(limit(&told, "Max core file size"), pair("0", "0"));
    assert_eq!(limit(&told, "Max stack size"), pair("4194304", "8388608"));
    assert!(told.contains("NoNewPrivs:\t1\n"), "{told}");
    assert!(told.ends_with("\n456\n"), "{told}");
    assert_eq!(
        (daemon.dir().read("nice").trim(), daemon.dir().read("ionice").trim()),
        ("5", "best-effort: prio 6")
    );
    // All of it is the program's alone.
    assert_eq!(proc::status(daemon.pid(), "NoNewPrivs").as_deref(), Some("0"));
    let own = std::fs::read_to_string(format!("/proc/{}/oom_score_adj", daemon.pid())).expect("it lives");
    assert_ne!(own.trim(), "456");
}

#[test]
fn an_ini_file_limits_a_program() {
    let program = format!(
        "[program:p]\ncommand=sh -c '{TELL}'\nstartsecs=0\nrlimit_nofile=200:300\nrlimit_core=0\nrlimit_stack=4MB:8MB\n\
         nice=5\nionice=best-effort:6\noom_score_adj=456\nno_new_privs=true\n"
    );
    let daemon = ini(&program).start();
    is_limited(&daemon);
    daemon.finish();
}

#[test]
fn a_toml_file_limits_a_program() {
    let program = format!(
        "[program.p]\ncommand = [\"sh\", \"-c\", \"{TELL}\"]\nstartsecs = 0\nnice = 5\nionice = \"best-effort:6\"\n\
         oom_score_adj = 456\nno_new_privs = true\n\
         [program.p.rlimits]\nnofile = \"200:300\"\ncore = 0\nstack = \"4MB:8MB\"\n"
    );
    let daemon = toml(&program).start();
    is_limited(&daemon);
    daemon.finish();
}

#[test]
fn variables_limit_a_program() {
    let daemon = Setup::variables(&[
        ("MAINSTAY_PROGRAM__P__COMMAND", &format!("sh -c '{TELL}'")),
        ("MAINSTAY_PROGRAM__P__STARTSECS", "0"),
        ("MAINSTAY_PROGRAM__P__RLIMIT_NOFILE", "200:300"),
        ("MAINSTAY_PROGRAM__P__RLIMIT_CORE", "0"),
        ("MAINSTAY_PROGRAM__P__RLIMIT_STACK", "4MB:8MB"),
        ("MAINSTAY_PROGRAM__P__NICE", "5"),
        ("MAINSTAY_PROGRAM__P__IONICE", "best-effort:6"),
        ("MAINSTAY_PROGRAM__P__OOM_SCORE_ADJ", "456"),
        ("MAINSTAY_PROGRAM__P__NO_NEW_PRIVS", "true"),
        ("MAINSTAY_CONTROL__UNIX", "@sock@"),
    ])
    .start();
    is_limited(&daemon);
    daemon.finish();
}

#[test]
fn a_limit_that_may_not_be_raised_fails_its_program_alone_and_is_named() {
    if needs_root() {
        return;
    }
    let setup = toml(
        "[program.p]\ncommand = [\"@puppet@\", \"hold\"]\nstartretries = 0\nrlimit_nofile = 1000000\n\
         [program.q]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\n",
    );
    harness::temp::set_mode(setup.dir().path(), 0o777);
    let less = ["prlimit", "--nofile=4096:4096", "--", "setpriv", "--reuid=4125", "--regid=4125"];
    let daemon = setup.launcher(&[&less[..], &["--clear-groups", "--"]].concat()).start();
    daemon.wait_state("p", "FATAL");
    daemon.wait_state("q", "RUNNING");
    let sentence = "cannot raise the limit of open files to 1000000: Operation not permitted";
    let status = ctl(&daemon, &["status", "p"]);
    assert!(status.stdout.contains(sentence), "{}", status.stdout);
    let said = daemon.said();
    assert!(said.contains(&format!("{sentence} for p; hint: the hard limit is lower")), "{said}");
    let page = daemon.get("/metrics").expect("it answers").body;
    let of_p = [("program", "p")];
    assert_eq!(metric(&page, "mainstay_program_last_exit_code", &of_p), Some(127.0));
    assert_eq!(metric(&page, "mainstay_program_spawn_failures_total", &of_p), Some(1.0));
    daemon.finish();
}

/// A program of another user that fails at this step, and what `status` says.
fn refused(settings: &str, sentence: &str) {
    let setup = toml(&format!(
        "[supervisor]\nexit_when_all_exited = false\n[program.p]\ncommand = [\"@puppet@\", \"hold\"]\nstartretries = 0\n{settings}\n"
    ));
    harness::temp::set_mode(setup.dir().path(), 0o777);
    let other = ["setpriv", "--reuid=4126", "--regid=4126", "--clear-groups", "--"];
    let daemon = setup.launcher(&other).start();
    daemon.wait_state("p", "FATAL");
    assert_eq!(daemon.info("p", "spawnerr").as_deref(), Some(sentence));
    daemon.finish();
}

#[test]
fn each_step_that_fails_has_its_name() {
    if needs_root() {
        return;
    }
    refused("nice = -5", "cannot set the niceness to -5: Permission denied");
    refused("ionice = \"realtime:0\"", "cannot set the I/O priority: Operation not permitted");
    refused("oom_score_adj = -900", "cannot set oom_score_adj to -900: Permission denied");
    refused("chroot = \"/\"", "cannot change the root to `/`: Operation not permitted");
    refused("groups = \"7\"", "cannot set supplementary groups: Operation not permitted");
    refused("capabilities_drop = \"chown\"", "cannot drop the capability chown: Operation not permitted");
    refused(
        "capabilities_ambient = \"net_bind_service\"",
        "cannot pass on the capability net_bind_service: Operation not permitted",
    );
}

#[test]
fn without_proc_an_oom_score_is_a_clear_error() {
    if needs_root() {
        return;
    }
    let root = Root::new();
    root.write(
        "m.toml",
        "[program.p]\ncommand = [\"/puppet\", \"hold\"]\nstartretries = 0\noom_score_adj = 100\n\
         [program.q]\ncommand = [\"/puppet\", \"say\", \"up\", \"hold\"]\n",
    );
    let path = root.path();
    let words = ["@puppet@", "chroot", &path, "exec", "/mainstay", "run", "-c", "/m.toml"];
    let daemon = Setup::new(&words).namespaces(&[]).start();
    daemon.wait_said("cannot start p: cannot set oom_score_adj to 100: No such file or directory");
    daemon.wait_said("hint: it is set by way of /proc: mount it");
    daemon.wait_said("up\n");
    daemon.finish();
}

fn set(told: &str, name: &str) -> u64 {
    let line = told.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(":\t")).expect("the set");
    u64::from_str_radix(line, 16).expect("a number")
}

#[test]
fn another_user_may_be_given_a_capability_and_groups() {
    if needs_root() {
        return;
    }
    let setup = toml(&format!(
        "[program.p]\ncommand = [\"sh\", \"-c\", \"{TELL}\"]\nstartsecs = 0\nuser = \"4127\"\ngroups = [\"7\", \"9\"]\n\
         capabilities = \"CAP_NET_BIND_SERVICE, chown\"\ncapabilities_ambient = \"net_bind_service\"\n"
    ));
    harness::temp::set_mode(setup.dir().path(), 0o777);
    let daemon = setup.start();
    let told = told(&daemon);
    let sets = ["CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd"].map(|name| set(&told, name));
    let bind = 1 << 10;
    assert_eq!(sets, [bind, bind, bind, bind, bind | 1], "{told}");
    assert!(told.contains("Uid:\t4127\t4127\t4127\t4127\n"), "{told}");
    assert!(told.contains("Groups:\t7 9 \n"), "{told}");
    daemon.finish();
}

#[test]
fn root_can_be_left_with_few_capabilities() {
    if needs_root() {
        return;
    }
    let program =
        format!("[program:p]\ncommand=sh -c '{TELL}'\nstartsecs=0\ncapabilities=dac_override,kill\n");
    let daemon = ini(&program).start();
    let told = told(&daemon);
    let few = 1 << 1 | 1 << 5;
    assert_eq!(["CapPrm", "CapEff", "CapBnd"].map(|name| set(&told, name)), [few; 3], "{told}");
    assert_ne!(proc::status(daemon.pid(), "CapEff"), proc::status(1, "CapNone"));
    daemon.finish();
}

#[test]
fn a_program_lives_in_a_root_of_its_own() {
    if needs_root() {
        return;
    }
    let root = Root::new();
    root.write("inner/.keep", "");
    let path = root.path();
    let daemon = toml(&format!(
        "[program.p]\ncommand = [\"/puppet\", \"cwd\", \"append\", \"here\", \"in the root\", \"hold\"]\nchroot = \"{path}\"\n\
         directory = \"/inner\"\nstartsecs = 0\n\
         [program.q]\ncommand = [\"puppet\", \"cwd\", \"hold\"]\nchroot = \"{path}\"\nenvironment = {{ PATH = \"/\" }}\n\
         startsecs = 0\n[program.r]\ncommand = \"/no-such\"\nchroot = \"{path}\"\nstartretries = 0\n"
    ))
    .start();
    daemon.wait_said("/inner\n");
    wait_until("its files are there", || root.read("inner/here") == "in the root\n");
    wait_until("without a directory it is at the root", || daemon.stdout().lines().any(|l| l == "/"));
    daemon.wait_state("r", "FATAL");
    let told = daemon.info("r", "spawnerr").expect("an error");
    assert_eq!(told, format!("can't find command '/no-such' inside the root {path}"));
    daemon.finish();
}

#[test]
fn memory_is_limited_or_it_is_said_that_it_is_not() {
    let program = "[program.p]\ncommand = [\"@puppet@\", \"hold\"]\nstartsecs = 0\nmemory_max = \"64MB\"\n\
                   autorestart = true\n";
    let daemon = toml(program).start();
    daemon.wait_state("p", "RUNNING");
    let pid = daemon.info("p", "pid").expect("a pid");
    let group = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let is_limited = group.contains(&format!("/mainstay.{}.0\n", daemon.pid()));
    let refused = "`memory_max` of p has no effect: ";
    assert_ne!(is_limited, daemon.said().contains(refused), "{group}");
    if !is_limited {
        ctl(&daemon, &["restart", "p"]).expect(0);
        assert_eq!(daemon.said().matches(refused).count(), 1, "it is said once");
        let status = ctl(&daemon, &["status", "p"]);
        assert!(status.stdout.contains("memory_max has no effect here"), "{}", status.stdout);
    }
    daemon.finish();
}

#[test]
fn the_sample_of_the_page_runs() {
    if needs_root() {
        return;
    }
    let text = sample("limits.md", "toml");
    let ours = text.replace("nginx -g 'daemon off;'", "@puppet@ hold").replace("www-data", "4128");
    assert_ne!(text, ours);
    let setup = toml(&ours);
    harness::temp::set_mode(setup.dir().path(), 0o777);
    let daemon = setup.start();
    daemon.wait_state("web", "RUNNING");
    let pid: i32 = daemon.info("web", "pid").and_then(|p| p.parse().ok()).expect("a pid");
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    assert_eq!(limit(&limits, "Max open files"), ("1024".to_owned(), "4096".to_owned()));
    assert_eq!(proc::status(pid, "CapEff").as_deref(), Some("0000000000000400"));
    daemon.finish();
}

#[test]
fn too_many_processes_of_its_user_are_an_error_with_advice() {
    if needs_root() {
        return;
    }
    let daemon = toml(
        "[supervisor]\nexit_when_all_exited = false\n[program.p]\ncommand = \"/bin/true\"\nuser = \"4129\"\n\
         rlimit_nproc = 0\nstartretries = 0\nautostart = false\n\
         [program.q]\ncommand = [\"@puppet@\", \"hold\"]\nuser = \"4129\"\nstartsecs = 0\n",
    )
    .start();
    // The kernel looks whether there are too many already.
    daemon.wait_state("q", "RUNNING");
    assert_ne!(ctl(&daemon, &["start", "p"]).code(), 0);
    let sentence = "cannot execute `/bin/true`: Try again";
    assert_eq!(daemon.info("p", "spawnerr").as_deref(), Some(sentence));
    daemon.wait_said("hint: its user has more processes than the limit allows: raise `rlimit_nproc`");
    daemon.finish();
}
