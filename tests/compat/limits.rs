//! `minfds` and `minprocs`: what the daemon raises and what its programs see; and starts that fail for want of something.
//! Not here: limits that are too low to start at all (`minimums`).

use crate::support::{Sup, header, setup, skipped};

const PROGRAM: &str =
    "[program:p]\ncommand=@puppet@ limits\nstartsecs=0\nautorestart=false\nstdout_logfile=@dir@/p.out\n";

/// What a program sees under these settings and what the log says of it, with a daemon started under these limits.
fn seen(settings: &str, nofile: &str, nproc: &str) -> (String, Vec<String>) {
    let (nofile, nproc) = (format!("--nofile={nofile}"), format!("--nproc={nproc}"));
    let launcher = ["prlimit", nofile.as_str(), nproc.as_str(), "--"];
    let sup = Sup::new(setup(&format!("{}{PROGRAM}", header(settings))).launcher(&launcher));
    sup.wait_log("exited: p ");
    let text = sup.file("p.out");
    let said = sup
        .log()
        .lines()
        .filter_map(crate::support::strip_time)
        .filter(|l| l.contains("Increased"))
        .collect();
    sup.finish();
    (text, said)
}

#[test]
fn enough_is_left_as_it_is() {
    if !skipped() {
        assert_eq!(seen("", "2000:3000", "500:700"), ("nofile 2000 3000\nnproc 500 700\n".into(), vec![]));
        assert_eq!(seen("minfds=100\nminprocs=10\n", "300:400", "500:700").1, [""; 0]);
    }
}

#[test]
fn soft_limits_are_raised_to_what_is_configured() {
    if !skipped() {
        let (text, said) = seen("minfds=1500\nminprocs=600\n", "1024:3000", "500:700");
        assert_eq!(text, "nofile 1500 3000\nnproc 600 700\n");
        assert_eq!(
            said,
            ["INFO Increased RLIMIT_NOFILE limit to 1500", "INFO Increased RLIMIT_NPROC limit to 600"]
        );
    }
}

#[test]
fn root_raises_hard_limits_too() {
    // A container's root may have been denied that: then it is refused, see below.
    let may =
        harness::Cmd::new(&["prlimit", "--nofile=256:512", "--", "prlimit", "--nofile=1024:1024", "true"]);
    if !skipped() && may.run().code() == 0 {
        let (text, said) = seen("", "256:512", "100:150");
        assert_eq!(text, "nofile 1024 1024\nnproc 200 200\n");
        assert_eq!(
            said,
            ["INFO Increased RLIMIT_NOFILE limit to 1024", "INFO Increased RLIMIT_NPROC limit to 200"]
        );
    }
}

#[test]
fn a_restart_leaves_the_programs_limits_as_they_were() {
    if skipped() {
        return;
    }
    let launcher = ["prlimit", "--nofile=1100:3000", "--"];
    for (minfds, want) in [(1024, "nofile 1100 3000\n"), (1500, "nofile 1500 3000\n")] {
        let config = format!("{}{PROGRAM}", header(&format!("minfds={minfds}\n")));
        let sup = Sup::new(setup(&config).launcher(&launcher));
        sup.wait_log("exited: p ");
        sup.0.signal(1);
        sup.wait_log_times("exited: p ", 2);
        let text = sup.file("p.out");
        assert_eq!(text.matches(want).count(), 2, "{text}");
        sup.finish();
    }
}

#[test]
fn a_fork_that_is_refused_is_a_failed_start() {
    if skipped() {
        return;
    }
    // Another real user without the privileges that lift the limit; what it may read is still root's.
    let config = format!(
        "{}[program:p]\ncommand=cat\nstartretries=0\n",
        header("minprocs=0\n").replace("user=root\n", "")
    );
    let launcher = [
        "prlimit",
        "--nproc=1:1",
        "--",
        "setpriv",
        "--ruid=4123",
        "--bounding-set=-sys_resource,-sys_admin",
        "--",
    ];
    let sup = Sup::new(setup(&config).launcher(&launcher));
    sup.wait_log("INFO spawnerr: Too many processes in process table to spawn 'p'\n");
    sup.wait_log("gave up: p");
    sup.0.signal(15);
    assert_eq!(sup.0.wait_exit(), 0);
}

#[test]
fn descriptors_that_run_out_are_a_failed_start() {
    if skipped() {
        return;
    }
    let config = format!(
        "{}[program:p]\ncommand=cat\nstartretries=0\nnumprocs=30\nprocess_name=p%(process_num)02d\n\
         stdout_logfile=@dir@/o\nstderr_logfile=@dir@/e\n",
        header("minfds=0\n")
    );
    let sup = Sup::new(setup(&config).launcher(&["prlimit", "--nofile=64:64", "--"]));
    sup.wait_log("INFO spawnerr: too many open files to spawn 'p29'\n");
    sup.wait_log("gave up: p29 entered FATAL state");
    // Those that were started go on.
    sup.wait_log("success: p00 entered RUNNING state");
    sup.0.signal(15);
    assert_eq!(sup.0.wait_exit(), 0);
}

#[test]
fn a_command_we_may_not_execute_says_so() {
    if skipped() {
        return;
    }
    // Root may read everything, but an x bit that nobody of us has is none: without the override it is not ours.
    let config = format!("{}[program:p]\ncommand=@dir@/tool\nstartretries=0\n", header(""));
    let setup = setup(&config).file("tool", "#!/bin/sh\n");
    let path = setup.dir().join("tool");
    harness::temp::set_mode(std::path::Path::new(&path), 0o001);
    harness::Cmd::new(&["chgrp", "root", &path]).run().expect(0);
    let launcher = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"];
    let sup = Sup::new(setup.launcher(&launcher));
    sup.wait_log(&sup.0.fill("INFO spawnerr: no permission to run command '@dir@/tool'\n"));
    sup.ctl_says(&["start", "p"], 1, "p: ERROR (file is not executable)\n");
    sup.finish();
}
