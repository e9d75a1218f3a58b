//! Where output goes: files, AUTO, NONE, the daemon's own streams; rotation.

use crate::support::{ours, skipped, start, start_with};
use harness::wait_until;

#[test]
fn a_file_takes_the_bytes_as_they_are_and_is_appended_to() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:x]\ncommand=@puppet@ print a print b say-err c exit 0\nstartsecs=0\nautorestart=false\n\
         stdout_logfile=@dir@/x.out\nstderr_logfile=@dir@/x.err\n",
    );
    sup.wait_log("exited: x");
    assert_eq!((sup.file("x.out").as_str(), sup.file("x.err").as_str()), ("ab", "c\n"));
    sup.ctl(&["start", "x"]);
    sup.wait_log_times("exited: x", 2);
    assert_eq!(sup.file("x.out"), "abab");
    sup.finish();
}

#[test]
fn redirect_stderr_joins_both_in_the_order_they_were_written() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:x]\ncommand=@puppet@ say 1 say-err 2 say 3 say-err 4\nstartsecs=0\nautorestart=false\nredirect_stderr=true\n\
         stdout_logfile=@dir@/x.out\n",
    );
    sup.wait_log("exited: x");
    assert_eq!(sup.file("x.out"), "1\n2\n3\n4\n");
    sup.finish();
}

#[test]
fn auto_files_have_supervisors_names_and_are_private() {
    if skipped() {
        return;
    }
    let sup = start_with(
        "identifier=me\n",
        "[program:x]\ncommand=@puppet@ say out say-err err\nstartsecs=0\nautorestart=false\n\
         [program:idle]\ncommand=cat\nautostart=false\nstdout_logfile=AUTO\nstderr_logfile=NONE\n",
    );
    sup.wait_log("exited: x");
    let list: Vec<String> = {
        let mut names: Vec<String> = std::fs::read_dir(sup.0.dir().path().join("child"))
            .unwrap()
            .filter_map(Result::ok)
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .filter(|n| n.contains("---"))
            .collect();
        names.sort();
        names
    };
    let shapes: Vec<&str> = list.iter().filter_map(|n| Some(n.rsplit_once('-')?.0)).collect();
    assert_eq!(shapes, ["idle-stdout---me", "x-stderr---me", "x-stdout---me"]);
    for name in &list {
        use std::os::unix::fs::PermissionsExt;
        let random = name.rsplit_once('-').map_or("", |p| p.1);
        assert!(random.len() == 12 && random.ends_with(".log"), "{name}");
        let mode =
            std::fs::metadata(sup.0.dir().path().join("child").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(sup.file(&format!("child/{}", list[2])), "out\n");
    assert_eq!(sup.0.info("x", "stdout_logfile"), Some(sup.0.fill(&format!("@dir@/child/{}", list[2]))));
    sup.finish();
}

#[test]
fn old_auto_files_are_removed_at_the_start_and_others_are_not() {
    if skipped() {
        return;
    }
    let config = crate::support::header("") + "[program:x]\ncommand=cat\nstartsecs=0\n";
    let setup = crate::support::setup(&config)
        .file("child/x-stdout---supervisor-abcd1234.log", "old")
        .file("child/x-stdout---supervisor-abcd1234.log.1", "old")
        .file("child/x-stdout---other-abcd1234.log", "not ours")
        .file("child/plain.log", "not ours");
    let sup = crate::support::Sup::new(setup);
    sup.wait_log("success: x");
    let left = |name: &str| sup.0.dir().path().join("child").join(name).exists();
    assert!(!left("x-stdout---supervisor-abcd1234.log") && !left("x-stdout---supervisor-abcd1234.log.1"));
    assert!(left("x-stdout---other-abcd1234.log") && left("plain.log"));
    sup.finish();
}

#[test]
fn none_and_off_and_nothing_throw_output_away() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:a]\ncommand=@puppet@ say lost\nstartsecs=0\nautorestart=false\nstdout_logfile=NONE\nstderr_logfile=none\n\
         [program:b]\ncommand=@puppet@ say lost\nstartsecs=0\nautorestart=false\nstdout_logfile=off\nstderr_logfile=\n",
    );
    sup.wait_log("exited: a");
    sup.wait_log("exited: b");
    assert_eq!(std::fs::read_dir(sup.0.dir().path().join("child")).unwrap().count(), 1, "only .keep");
    assert_eq!(sup.0.info("a", "stdout_logfile").as_deref(), Some(""));
    sup.finish();
}

/// Output of a program whose stdout log is `to` and whose stderr log is `err`: what the daemon's own streams say.
fn streams(to: &str, err: &str) -> (String, String) {
    let sup = start(&format!(
        "[program:x]\ncommand=@puppet@ say out say-err err\nstartsecs=0\nautorestart=false\n\
         stdout_logfile={to}\nstdout_logfile_maxbytes=0\nstderr_logfile={err}\nstderr_logfile_maxbytes=0\n"
    ));
    sup.wait_log("exited: x");
    wait_until("both lines have arrived", || (sup.0.stdout() + &sup.0.stderr()).len() >= 8);
    let seen = (sup.0.stdout(), sup.0.stderr());
    sup.finish();
    seen
}

#[test]
fn dev_stdout_and_dev_stderr_are_the_daemons_own_streams() {
    if !skipped() {
        assert_eq!(streams("/dev/stdout", "/dev/stderr"), ("out\n".into(), "err\n".into()));
    }
}

#[test]
fn streams_may_be_crossed() {
    if !skipped() {
        assert_eq!(streams("/dev/stderr", "/dev/stdout"), ("err\n".into(), "out\n".into()));
    }
}

#[test]
fn dev_fd_names_a_descriptor() {
    if !skipped() {
        assert_eq!(streams("/dev/fd/1", "/dev/fd/2"), ("out\n".into(), "err\n".into()));
    }
}

#[test]
fn proc_self_fd_names_a_descriptor() {
    if !skipped() {
        assert_eq!(streams("/proc/self/fd/1", "/proc/self/fd/2"), ("out\n".into(), "err\n".into()));
    }
}

/// A program that writes `sizes` one after the other, each when it is asked to; the sizes of the live file and three
/// backups at the end.
fn rotated(maxbytes: usize, backups: usize, sizes: &[usize]) -> [Option<u64>; 4] {
    let steps: String =
        sizes.iter().enumerate().map(|(i, n)| format!("wait-file @dir@/go{i} spew {n} ")).collect();
    let sup = start(&format!(
        "[program:x]\ncommand=@puppet@ {steps} hold\nstartsecs=0\nstdout_logfile=@dir@/x.out\n\
         stdout_logfile_maxbytes={maxbytes}\nstdout_logfile_backups={backups}\n"
    ));
    sup.wait_log("success: x");
    let size = |name: &str| std::fs::metadata(sup.0.dir().path().join(name)).ok().map(|m| m.len());
    let mut expected_live = 0;
    for (i, n) in sizes.iter().enumerate() {
        sup.0.dir().write(&format!("go{i}"), "");
        expected_live += n;
        if maxbytes > 0 && expected_live >= maxbytes {
            expected_live = 0;
            if backups > 0 {
                // The live file is empty again, and the piece stands in the first backup.
                wait_until("the log is rotated", || {
                    size("x.out") == Some(0) && size("x.out.1").is_some_and(|s| s >= *n as u64)
                });
                continue;
            }
        }
        wait_until("the piece has arrived", || size("x.out") == Some(expected_live as u64));
    }
    let seen = ["x.out", "x.out.1", "x.out.2", "x.out.3"].map(size);
    sup.finish();
    seen
}

#[test]
fn rotation_happens_after_the_write_that_reaches_the_limit() {
    if !skipped() {
        // 150 stay; 300 are over 200 and become one backup; 150 stay.
        assert_eq!(rotated(200, 2, &[150, 150, 150]), [Some(150), Some(300), None, None]);
    }
}

#[test]
fn a_piece_of_exactly_the_limit_rotates() {
    if !skipped() {
        assert_eq!(rotated(200, 2, &[200]), [Some(0), Some(200), None, None]);
    }
}

#[test]
fn a_big_piece_is_not_split() {
    if !skipped() {
        assert_eq!(rotated(200, 2, &[3000]), [Some(0), Some(3000), None, None]);
    }
}

#[test]
fn the_oldest_backup_falls_off() {
    if !skipped() {
        assert_eq!(rotated(200, 2, &[201, 202, 203, 204]), [Some(0), Some(204), Some(203), None]);
    }
}

#[test]
fn no_backups_truncate() {
    if !skipped() {
        assert_eq!(rotated(200, 0, &[150, 150, 20]), [Some(20), None, None, None]);
    }
}

#[test]
fn limit_0_never_rotates() {
    if !skipped() {
        assert_eq!(rotated(0, 3, &[5000, 5000]), [Some(10000), None, None, None]);
    }
}

#[test]
fn the_main_log_rotates_too() {
    if skipped() {
        return;
    }
    let sup =
        start_with("logfile_maxbytes=300\nlogfile_backups=9\n", "[program:x]\ncommand=cat\nstartsecs=0\n");
    sup.wait_state("x", "RUNNING");
    for _ in 0..3 {
        sup.ctl(&["restart", "x"]).expect(0);
    }
    let files = sup.0.dir().list("main.log");
    assert!(files.len() > 2, "{files:?}");
    let backups = files.iter().filter(|f| *f != "main.log");
    for name in backups {
        let size = sup.file(name).len();
        assert!((300..600).contains(&size), "{name} has {size} bytes");
    }
    sup.finish();
}

#[test]
fn rotation_of_a_stream_is_skipped() {
    if skipped() {
        return;
    }
    // Trap 48 [F]: theirs writes a traceback to its log for each piece; ours does not rotate what cannot be rotated.
    let sup = start(
        "[program:x]\ncommand=@puppet@ spew 1000 hold\nstartsecs=0\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=100\n",
    );
    wait_until("the bytes have arrived", || sup.0.stdout().len() == 1000);
    sup.wait_log("success: x");
    if ours() {
        assert!(!sup.log().contains("CRIT uncaptured"), "{}", sup.log());
    } else {
        sup.wait_log("CRIT uncaptured python exception, closing channel");
    }
    sup.finish();
}

#[test]
fn sigusr2_reopens_the_logs() {
    if skipped() {
        return;
    }
    let sup = start(
        "[program:x]\ncommand=@puppet@ say one wait-file @dir@/go say two hold\nstartsecs=0\nstdout_logfile=@dir@/x.out\n",
    );
    sup.wait_file("x.out", "one");
    let dir = sup.0.dir().path();
    std::fs::rename(dir.join("x.out"), dir.join("x.old")).unwrap();
    std::fs::rename(dir.join("main.log"), dir.join("main.old")).unwrap();
    sup.0.signal(12);
    wait_until("both logs are there again", || dir.join("x.out").exists() && dir.join("main.log").exists());
    sup.0.dir().write("go", "");
    sup.wait_file("x.out", "two\n");
    assert_eq!((sup.file("x.old").as_str(), sup.file("x.out").as_str()), ("one\n", "two\n"));
    let old = sup.file("main.old");
    assert!(old.contains("INFO received SIGUSR2 indicating log reopen request\n"), "{old}");
    assert!((old + &sup.log()).contains("INFO supervisord logreopen\n"));
    sup.finish();
}
