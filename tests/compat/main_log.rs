//! The daemon's own log: form, levels, rotation, and the places where it may lie.

use crate::support::{Sup, events, header, masked, ours, setup, skipped, start_with, strip_time};
use harness::{wait_for, wait_until};
use std::time::Duration;

/// A life with a bit of everything.
const LIFE: &str = "[program:good]\ncommand=@puppet@ wait-file @dir@/go exit 0\nstartsecs=0\nautorestart=false\npriority=1\n\
    [program:bad]\ncommand=@puppet@ wait-file @dir@/go exit 3\nstartsecs=0\nautorestart=false\npriority=2\n\
    [program:missing]\ncommand=/no/such\nstartretries=0\npriority=3\n\
    [program:stays]\ncommand=@puppet@ touch @dir@/up hold\nstartsecs=0\npriority=4\n";

/// The lines of that life at a level; from the first spawn on, sorted, because theirs takes its time in another order.
fn life_at(level: &str) -> Vec<String> {
    let sup = start_with(&format!("loglevel={level}\n"), LIFE);
    wait_until("the last one is up", || sup.0.dir().path().join("up").exists());
    for (name, state) in [("good", "RUNNING"), ("bad", "RUNNING"), ("missing", "FATAL"), ("stays", "RUNNING")]
    {
        sup.wait_state(name, state);
    }
    sup.0.dir().write("go", "");
    sup.wait_state("good", "EXITED");
    sup.wait_state("bad", "EXITED");
    let dir = sup.0.dir().path().to_path_buf();
    let keep = dir
        .parent()
        .expect("the test owns it")
        .join(format!("{}.log", dir.file_name().expect("the test owns it").to_string_lossy()));
    std::fs::hard_link(dir.join("main.log"), &keep).expect("the test owns it");
    sup.finish();
    let text = std::fs::read_to_string(&keep).expect("the test owns it");
    std::fs::remove_file(keep).expect("the test owns it");
    let lines = text.lines().filter_map(strip_time).map(|l| masked(&l));
    // What is said before the first spawn is compared elsewhere.
    let mut seen: Vec<String> = if level == "info" { events(&text) } else { lines.collect() };
    seen.retain(|l| !l.contains("authentication checking") && !l.contains("AUTO files"));
    seen.sort();
    seen
}

#[test]
fn a_life_reads_the_same_at_info() {
    if skipped() {
        return;
    }
    let up = "entered RUNNING state, process has stayed up for > than 0 seconds (startsecs)";
    let seen = life_at("info");
    let mut want: Vec<String> =
        ["spawned: 'good' with pid PID", "spawned: 'bad' with pid PID", "spawned: 'stays' with pid PID"]
            .iter()
            .map(|l| format!("INFO {l}"))
            .chain(["good", "bad", "stays"].iter().map(|n| format!("INFO success: {n} {up}")))
            .collect();
    want.extend([
        "INFO exited: good (exit status 0; expected)".into(),
        "WARN exited: bad (exit status 3; not expected)".into(),
        "INFO spawnerr: can't find command '/no/such'".into(),
        "INFO gave up: missing entered FATAL state, too many start retries too quickly".into(),
        "WARN received SIGTERM indicating exit request".into(),
        "INFO waiting for stays to die".into(),
        "WARN stopped: stays (terminated by SIGTERM)".into(),
    ]);
    want.sort();
    assert_eq!(seen, want);
}

#[test]
fn at_warn_only_what_is_at_least_that() {
    if skipped() {
        return;
    }
    let want = [
        "WARN exited: bad (exit status 3; not expected)",
        "WARN received SIGTERM indicating exit request",
        "WARN stopped: stays (terminated by SIGTERM)",
    ];
    assert_eq!(life_at("warn"), want);
}

#[test]
fn at_error_and_critical_a_life_is_silent() {
    if skipped() {
        return;
    }
    assert_eq!(life_at("error"), [""; 0]);
    assert_eq!(life_at("critical"), [""; 0]);
}

#[test]
fn lower_levels_say_what_higher_ones_say_and_more() {
    if skipped() {
        return;
    }
    let info = life_at("info");
    for level in ["debug", "trace", "blather"] {
        let seen = life_at(level);
        assert!(info.iter().all(|l| seen.contains(l)), "{level}: {seen:#?}");
        let debug = "DEBG killing stays (pid PID) with signal SIGTERM".to_string();
        assert!(seen.contains(&debug), "{level}: {seen:#?}");
    }
}

#[test]
fn every_line_has_a_time_and_a_level() {
    if skipped() {
        return;
    }
    let sup = start_with("", LIFE);
    sup.wait_state("stays", "RUNNING");
    let text = sup.log();
    for line in text.lines() {
        let rest = strip_time(line).unwrap_or_else(|| panic!("no time: {line}"));
        let level = rest.split(' ').next().unwrap_or("");
        assert!(["CRIT", "ERRO", "WARN", "INFO"].contains(&level), "{line}");
    }
    assert!(text.ends_with('\n') && text.lines().count() > 5);
    sup.finish();
}

/// Starts and stops a program until there are `n` backups; the log and its backups, newest first.
fn rotated(settings: &str, restarts: usize) -> (Sup, Vec<String>) {
    let sup = start_with(settings, "[program:x]\ncommand=cat\nstartsecs=0\n");
    sup.wait_state("x", "RUNNING");
    for _ in 0..restarts {
        sup.ctl(&["restart", "x"]).expect(0);
    }
    let mut names = sup.0.dir().list("main.log");
    names.sort_by_key(|n| n.rsplit('.').next().and_then(|d| d.parse::<u32>().ok()).unwrap_or(0));
    let texts = names.iter().map(|n| sup.file(n)).collect();
    (sup, texts)
}

#[test]
fn it_rotates_after_the_very_message_that_reaches_the_limit() {
    if skipped() {
        return;
    }
    let (sup, texts) = rotated("logfile_maxbytes=400\nlogfile_backups=30\n", 6);
    let [live, backups @ ..] = texts.as_slice() else { panic!("no log") };
    assert!(backups.len() > 2 && live.len() < 400, "{} backups", backups.len());
    for text in backups {
        let last = text.lines().last().map_or(0, |l| l.len() + 1);
        assert!(text.ends_with('\n') && text.len() >= 400 && text.len() - last < 400, "{text}");
        assert!(text.lines().all(|l| strip_time(l).is_some()), "a message is split: {text}");
    }
    sup.finish();
}

#[test]
fn the_backups_are_as_many_as_asked_for() {
    if skipped() {
        return;
    }
    let (sup, texts) = rotated("logfile_maxbytes=200\nlogfile_backups=2\n", 6);
    assert_eq!(texts.len(), 3);
    sup.finish();
}

#[test]
fn without_backups_it_begins_again() {
    if skipped() {
        return;
    }
    let (sup, texts) = rotated("logfile_maxbytes=400\nlogfile_backups=0\n", 6);
    assert_eq!(texts.len(), 1);
    assert!(texts[0].len() < 400 && !texts[0].contains("started with pid"), "{}", texts[0]);
    sup.finish();
}

#[test]
fn limit_0_never_rotates() {
    if skipped() {
        return;
    }
    let (sup, texts) = rotated("logfile_maxbytes=0\nlogfile_backups=2\n", 4);
    assert!(texts.len() == 1 && texts[0].contains("started with pid"));
    sup.finish();
}

const UP: &str = "[program:x]\ncommand=cat\nstartsecs=0\n";

#[test]
fn in_the_foreground_it_is_repeated_on_stdout() {
    if skipped() {
        return;
    }
    let sup = Sup::new(setup(&(header("").replace("silent=true\n", "") + UP)));
    sup.wait_log("success: x");
    wait_until("both are the same", || sup.log() == sup.0.stdout());
    assert_eq!(sup.0.stderr(), "");
    sup.finish();
}

#[test]
fn silent_keeps_it_off_stdout() {
    if skipped() {
        return;
    }
    let sup = start_with("", UP);
    sup.wait_log("success: x");
    assert_eq!(sup.0.stdout(), "");
    sup.finish();
}

/// With the log on our own stdout: how often the same line is there.
fn on_stdout(silent: bool) -> usize {
    let silent = if silent { "silent=true\n" } else { "" };
    let config = header("logfile_maxbytes=0\n")
        .replace("silent=true\n", silent)
        .replace("logfile=@dir@/main.log", "logfile=/dev/stdout");
    let sup = Sup::new(setup(&(config + UP)));
    sup.0.wait_said("success: x");
    sup.wait_state("x", "RUNNING");
    let n = sup.0.stdout().matches("INFO success: x").count();
    sup.finish();
    n
}

#[test]
fn on_stdout_every_line_is_doubled_unless_silent() {
    if !skipped() {
        // Trap 56 [K].
        assert_eq!((on_stdout(false), on_stdout(true)), (2, 1));
    }
}

/// A daemon whose log is at this path.
fn logging_to(path: &str, more: &str) -> Sup {
    let config = header(more).replace("logfile=@dir@/main.log", &format!("logfile={path}"));
    Sup::new(setup(&(config + UP)))
}

#[test]
fn a_bare_name_lies_in_the_directory_it_was_started_in() {
    if skipped() {
        return;
    }
    let sup = logging_to("main.log", "");
    sup.wait_log("success: x");
    sup.finish();
}

#[test]
fn it_may_go_nowhere() {
    if skipped() {
        return;
    }
    let sup = logging_to("/dev/null", "");
    sup.wait_state("x", "RUNNING");
    assert_eq!(sup.0.said(), "");
    sup.finish();
}

#[test]
fn an_old_log_is_appended_to() {
    if skipped() {
        return;
    }
    let sup = Sup::new(setup(&(header("") + UP)).file("main.log", "what was there\n"));
    sup.wait_log("success: x");
    assert!(sup.log().starts_with("what was there\n20"));
    sup.finish();
}

#[test]
fn a_log_that_cannot_be_opened() {
    if skipped() {
        return;
    }
    let sup = logging_to("@dir@/child", "");
    if ours() {
        // [F]: a container is not stopped by the place of its log; stderr takes it.
        sup.wait_state("x", "RUNNING");
        for words in ["CRIT cannot open log `", "INFO success: x"] {
            harness::wait_until(words, || sup.0.stderr().contains(words));
        }
        sup.finish();
    } else {
        assert_eq!(sup.0.wait_exit(), 1);
        assert!(sup.0.stderr().contains("IsADirectoryError"), "{}", sup.0.stderr());
    }
}

#[test]
fn it_may_be_a_fifo() {
    if skipped() {
        return;
    }
    let config = header("logfile_maxbytes=0\n").replace("logfile=@dir@/main.log", "logfile=@dir@/fifo");
    let setup = setup(&(config + UP));
    let fifo = setup.dir().join("fifo");
    harness::Cmd::new(&["mkfifo", &fifo]).run().expect(0);
    let mut reader = std::fs::OpenOptions::new().read(true).write(true).open(&fifo).unwrap();
    let sup = Sup::new(setup);
    let mut seen = String::new();
    let mut part = [0; 4096];
    while !seen.contains("success: x") {
        let n = std::io::Read::read(&mut reader, &mut part).unwrap();
        seen.push_str(&String::from_utf8_lossy(&part[..n]));
    }
    assert!(seen.lines().all(|l| strip_time(l).is_some()), "{seen}");
    sup.finish();
}

/// A small disk of its own at `@dir@/small`.
const SMALL_DISK: &str = "mkdir \"$0/small\" && mount -t tmpfs -o size=64k none \"$0/small\" && exec \"$@\"";

/// A daemon with a small disk, and where we see the disk.
fn with_small_disk(config: &str) -> (Sup, std::path::PathBuf) {
    let words = ["unshare", "--mount", "--propagation", "private", "--", "sh", "-c", SMALL_DISK, "@dir@"];
    // Parsing wants to see the directory that the mount covers.
    let sup = Sup::new(setup(config).launcher(&words));
    let seen = format!("/proc/{}/root{}", sup.0.pid(), sup.0.fill("@dir@/small"));
    (sup, seen.into())
}

#[test]
fn a_full_disk_under_a_programs_log_ends_nobody() {
    if skipped() {
        return;
    }
    let program = "[program:x]\ncommand=@puppet@ spew 300000 touch @dir@/full wait-file @dir@/go say after hold\nstartsecs=0\n\
                   stdout_logfile=@dir@/small/x.out\nstdout_logfile_maxbytes=0\nstderr_logfile=NONE\n";
    let (sup, small) = with_small_disk(&(header("") + program));
    wait_until("all is written", || sup.0.dir().path().join("full").exists());
    sup.wait_state("x", "RUNNING");
    if ours() {
        sup.wait_log("x.out: No space left on device");
    }
    // Room again; the file is still the same.
    std::fs::File::create(small.join("x.out")).unwrap();
    sup.0.dir().write("go", "");
    wait_until("what follows is logged", || {
        std::fs::read(small.join("x.out")).is_ok_and(|b| b.ends_with(b"after\n"))
    });
    if ours() {
        sup.wait_log("takes output again; ");
        assert_eq!(sup.log().matches("No space left").count(), 1, "it is said once");
    }
    sup.finish();
}

#[test]
fn a_full_disk_under_the_daemons_log_ends_nobody() {
    if skipped() {
        return;
    }
    // At debug the output of x is copied into the log: more than fits.
    let config = header("loglevel=debug\n").replace("@dir@/main.log", "@dir@/small/main.log");
    let program = "[program:x]\ncommand=@puppet@ wait-file @dir@/go spew 90000 touch @dir@/full hold\nstartsecs=0\n\
                   stdout_logfile=NONE\nstderr_logfile=NONE\n";
    let (sup, small) = with_small_disk(&(config + program));
    let log = || {
        std::fs::read(small.join("main.log"))
            .map_or(String::new(), |b| String::from_utf8_lossy(&b).into_owned())
    };
    wait_until("it is up", || log().contains("success: x"));
    let filler = small.join("filler");
    let full = std::fs::write(&filler, vec![b'x'; 1 << 20]).is_err();
    assert!(full, "the disk is small");
    sup.0.dir().write("go", "");
    wait_until("all is written", || sup.0.dir().path().join("full").exists());
    sup.wait_state("x", "RUNNING");
    std::fs::remove_file(&filler).unwrap();
    let before = log().len();
    sup.ctl(&["stop", "x"]).expect(0);
    wait_for("the log goes on", Duration::from_secs(10), || {
        log().len() > before && log().contains("stopped: x")
    });
    if ours() {
        sup.ctl(&["start", "x"]).expect(0);
        wait_until("the loss is told", || {
            log().contains(" lines of this log were lost: cannot write to log ")
        });
        // A message that was cut short does not take the next one into its line.
        let next = log().lines().filter_map(strip_time).any(|l| l.starts_with("DEBG killing x (pid "));
        assert!(next, "{}", log());
    }
    sup.finish();
}

#[test]
fn on_stdout_with_the_default_size() {
    if skipped() {
        return;
    }
    let config = header("").replace("logfile=@dir@/main.log", "logfile=/dev/stdout");
    let sup = Sup::new(setup(&(config + UP)));
    if ours() {
        // [F]: what cannot be rotated is not.
        sup.0.wait_said("INFO success: x");
        sup.finish();
    } else {
        assert_eq!(sup.0.wait_exit(), 1);
        assert!(sup.0.stderr().contains("Illegal seek"), "{}", sup.0.stderr());
    }
}
