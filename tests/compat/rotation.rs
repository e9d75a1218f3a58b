//! Rotation of child logs at the exact byte, and where logs may lie.

use crate::support::{Sup, header, ours, pieces, setup, skipped, start, start_with};
use harness::wait_until;
use std::collections::BTreeMap;
use std::path::Path;

/// A log's life: limit, backups, what lies there before (name after the log's own, content), sizes of the pieces.
struct Case {
    maxbytes: usize,
    backups: usize,
    before: &'static [(&'static str, &'static str)],
    pieces: Vec<usize>,
}

/// Letters that tell the pieces apart.
fn piece(n: usize, size: usize) -> String {
    let letter = char::from(b'a' + u8::try_from(n % 26).expect("the test owns it"));
    std::iter::repeat_n(letter, size).collect()
}

/// What Supervisor's rule makes of it: suffix to content.
fn model(case: &Case) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> =
        case.before.iter().map(|(suffix, text)| ((*suffix).to_string(), (*text).to_string())).collect();
    files.entry(String::new()).or_default();
    for (n, size) in case.pieces.iter().enumerate() {
        let live = files.entry(String::new()).or_default();
        live.push_str(&piece(n, *size));
        if case.maxbytes == 0 || live.len() < case.maxbytes {
            continue;
        }
        let live = std::mem::take(live);
        if case.backups == 0 {
            continue;
        }
        for i in (1..case.backups).rev() {
            if let Some(text) = files.remove(&format!(".{i}")) {
                files.insert(format!(".{}", i + 1), text);
            }
        }
        files.insert(".1".into(), live);
    }
    files
}

/// Sizes that are not regular, the same in every run.
fn sizes(seed: u64, n: usize, most: u64) -> Vec<usize> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(1 + state % most).expect("the test owns it")
    };
    (0..n).map(|_| next()).collect()
}

fn cases() -> Vec<Case> {
    let case = |maxbytes, backups, pieces: &[usize]| Case {
        maxbytes,
        backups,
        before: &[],
        pieces: pieces.to_vec(),
    };
    let mut all = vec![
        // One below, on, and above the limit.
        case(100, 2, &[99]),
        case(100, 2, &[100]),
        case(100, 2, &[101]),
        case(100, 2, &[99, 1]),
        case(100, 2, &[99, 2]),
        case(100, 2, &[50, 49, 1, 99, 1]),
        // Much too large.
        case(100, 1, &[60_000, 5, 50_000]),
        case(1, 3, &[1, 2, 3, 4, 5]),
        // No backups, no limit.
        case(100, 0, &[99, 1, 7]),
        case(100, 0, &[5000, 3]),
        case(0, 5, &[5000, 5000]),
        case(0, 0, &[5000]),
        // The oldest falls off; more than nine.
        case(10, 2, &[10, 11, 12, 13, 14]),
        case(10, 12, &[10; 14]),
        // What lay there counts.
        Case { maxbytes: 100, backups: 2, before: &[("", "old")], pieces: vec![96, 1, 99] },
        Case { maxbytes: 10, backups: 2, before: &[("", "much more than ten")], pieces: vec![1, 1] },
        Case { maxbytes: 10, backups: 0, before: &[("", "much more than ten")], pieces: vec![1, 1] },
        // Holes, and files that no longer count.
        Case { maxbytes: 10, backups: 5, before: &[(".2", "two"), (".4", "four")], pieces: vec![10] },
        Case { maxbytes: 10, backups: 3, before: &[(".3", "three"), (".7", "seven")], pieces: vec![10, 10] },
        Case { maxbytes: 10, backups: 1, before: &[(".1", "one"), (".2", "two")], pieces: vec![10] },
    ];
    for seed in 1..=12u64 {
        let (maxbytes, backups) = (40 + 13 * seed as usize, seed as usize % 5);
        all.push(Case { maxbytes, backups, before: &[], pieces: sizes(seed, 12, 30 * seed) });
    }
    all
}

/// All files whose names begin with `stem`, by what follows.
fn family(dir: &Path, stem: &str) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(dir).expect("the test owns it").filter_map(Result::ok);
    let named = entries.filter_map(|e| {
        let name = e.file_name().to_string_lossy().into_owned();
        let suffix = name.strip_prefix(stem)?.to_string();
        Some((
            suffix,
            String::from_utf8_lossy(&std::fs::read(e.path()).expect("the test owns it")).into_owned(),
        ))
    });
    named.collect()
}

#[test]
fn files_and_backups_are_the_same_to_the_byte() {
    if skipped() {
        return;
    }
    let cases = cases();
    let programs: String = cases
        .iter()
        .enumerate()
        .map(|(n, case)| {
            let verbs: String = (0..case.pieces.len()).map(|i| format!(" chunk @dir@/in/{n}-{i}")).collect();
            format!(
                "[program:p{n}]\ncommand=@puppet@{verbs} exit 0\nstartsecs=0\nautorestart=false\nstderr_logfile=NONE\n\
                 stdout_logfile=@dir@/logs/p{n}-out\nstdout_logfile_maxbytes={}\nstdout_logfile_backups={}\n",
                case.maxbytes, case.backups
            )
        })
        .collect();
    let mut setup = setup(&(header("") + &programs)).file("logs/.keep", "");
    for (n, case) in cases.iter().enumerate() {
        for (i, size) in case.pieces.iter().enumerate() {
            setup = setup.file(&format!("in/{n}-{i}"), &piece(i, *size));
        }
        for (suffix, text) in case.before {
            setup = setup.file(&format!("logs/p{n}-out{suffix}"), text);
        }
    }
    let sup = Sup::new(setup);
    sup.wait_log_times("exited: p", cases.len());
    let dir = sup.0.dir().path().join("logs");
    for (n, case) in cases.iter().enumerate() {
        let seen = family(&dir, &format!("p{n}-out"));
        assert_eq!(seen, model(case), "case {n}: {} {} {:?}", case.maxbytes, case.backups, case.pieces);
    }
    sup.finish();
}

#[test]
fn bytes_of_any_kind_pass_and_an_unfinished_line_is_not_finished() {
    if skipped() {
        return;
    }
    let all: Vec<u8> = (0..=255u8).collect();
    let sup = pieces("", "stdout_logfile=@dir@/x.out", &[&all, b"\r\n\x00\x00", b"no end"]);
    assert_eq!(sup.bytes("x.out"), [all.as_slice(), b"\r\n\x00\x00no end"].concat());
    sup.finish();
}

#[test]
fn two_programs_may_share_a_file() {
    if skipped() {
        return;
    }
    let program = |name: &str| {
        format!(
            "[program:{name}]\ncommand=@puppet@ chunk @dir@/in chunk @dir@/in chunk @dir@/in exit 0\nstartsecs=0\n\
             autorestart=false\nstdout_logfile=@dir@/both\nstdout_logfile_maxbytes=0\nstderr_logfile=NONE\n"
        )
    };
    let setup = setup(&(header("") + &program("x") + &program("y"))).file("in", "twenty bytes of text");
    let sup = Sup::new(setup);
    sup.wait_log_times("exited: ", 2);
    assert_eq!(sup.file("both"), "twenty bytes of text".repeat(6));
    sup.finish();
}

#[test]
fn a_shared_file_rotates_once_for_all() {
    if skipped() {
        return;
    }
    // y writes first, x makes it rotate, y goes on.
    let config = "[program:x]\ncommand=@puppet@ wait-file @dir@/go1 chunk @dir@/b touch @dir@/go2 hold\nstartsecs=0\n\
         stdout_logfile=@dir@/both\nstdout_logfile_maxbytes=10\nstdout_logfile_backups=3\nstderr_logfile=NONE\n\
         [program:y]\ncommand=@puppet@ chunk @dir@/a touch @dir@/go1 wait-file @dir@/go2 chunk @dir@/a touch @dir@/done hold\n\
         startsecs=0\nstdout_logfile=@dir@/both\nstdout_logfile_maxbytes=10\nstdout_logfile_backups=3\nstderr_logfile=NONE\n";
    let sup = Sup::new(setup(&(header("") + config)).file("a", "aaaa").file("b", "bbbbbb"));
    let dir = sup.0.dir().path().to_path_buf();
    wait_until("all is written", || {
        dir.join("done").exists() && family(&dir, "both").values().map(String::len).sum::<usize>() == 14
    });
    // Theirs: each program has the file open for itself, so y goes on in the backup, which then rotates a second time.
    let want: &[(&str, &str)] = if ours() {
        &[("", "aaaa"), (".1", "aaaabbbbbb")]
    } else {
        &[("", ""), (".1", ""), (".2", "aaaabbbbbbaaaa")]
    };
    let want: BTreeMap<String, String> = want.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
    assert_eq!(family(&dir, "both"), want);
    sup.finish();
}

#[test]
fn a_symlink_is_written_through_and_is_what_rotates() {
    if skipped() {
        return;
    }
    let program = "[program:x]\ncommand=@puppet@ chunk @dir@/in1 chunk @dir@/in2 chunk @dir@/in1 exit 0\nstartsecs=0\nautorestart=false\n\
                   stdout_logfile=@dir@/x.out\nstdout_logfile_maxbytes=10\nstdout_logfile_backups=2\n";
    let setup = setup(&(header("") + program)).file("in1", "1111").file("in2", "222222").file("far/away", "");
    std::os::unix::fs::symlink("far/away", setup.dir().path().join("x.out")).unwrap();
    let sup = Sup::new(setup);
    sup.wait_log("exited: x");
    assert_eq!((sup.file("x.out.1").as_str(), sup.file("x.out").as_str()), ("1111222222", "1111"));
    assert_eq!(sup.file("far/away"), "1111222222");
    assert!(std::fs::symlink_metadata(sup.0.dir().path().join("x.out.1")).unwrap().is_symlink());
    sup.finish();
}

/// The sentence behind `spawnerr:` for a log at this path.
#[track_caller]
fn spawn_error(path: &str) -> String {
    let sup = start(&format!(
        "[program:x]\ncommand=cat\nstartretries=0\nstdout_logfile={path}\nstdout_logfile_maxbytes=0\nstderr_logfile=NONE\n"
    ));
    sup.wait_log("gave up: x");
    let text = sup.log();
    let line = text.lines().find_map(|l| l.split_once("INFO spawnerr: ")).map(|p| p.1.to_string());
    sup.finish();
    line.unwrap_or(text)
}

#[test]
fn a_log_that_is_a_directory_is_a_spawn_error() {
    if !skipped() {
        assert_eq!(spawn_error("@dir@/child"), "unknown error making dispatchers for 'x': EISDIR");
    }
}

#[test]
fn a_log_in_a_place_that_takes_none_is_a_spawn_error() {
    if !skipped() {
        assert_eq!(spawn_error("/proc/nothing"), "unknown error making dispatchers for 'x': ENOENT");
    }
}

#[test]
fn auto_logs_rotate_too() {
    if skipped() {
        return;
    }
    let sup = pieces(
        "",
        "stdout_logfile=AUTO\nstdout_logfile_maxbytes=10\nstdout_logfile_backups=2",
        &[b"12345", b"67890", b"123"],
    );
    let mut seen: Vec<String> =
        family(&sup.0.dir().path().join("child"), "x-stdout---supervisor-").into_values().collect();
    seen.sort();
    assert_eq!(seen, ["123", "1234567890"]);
    // [F]: the file that follows a private one is private; theirs is readable by all.
    use std::os::unix::fs::PermissionsExt;
    let entries = std::fs::read_dir(sup.0.dir().path().join("child")).unwrap().filter_map(Result::ok);
    let live = entries
        .map(|e| e.path())
        .find(|p| p.display().to_string().contains("x-stdout") && p.extension().is_some_and(|e| e == "log"));
    let mode = std::fs::metadata(live.expect("it is there")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, if ours() { 0o600 } else { 0o644 });
    sup.finish();
}

#[test]
fn nocleanup_leaves_old_auto_logs() {
    if skipped() {
        return;
    }
    let config = header("nocleanup=true\n") + "[program:x]\ncommand=cat\nstartsecs=0\n";
    let sup = Sup::new(setup(&config).file("child/x-stdout---supervisor-abcd1234.log", "old"));
    sup.wait_log("success: x");
    assert_eq!(sup.file("child/x-stdout---supervisor-abcd1234.log"), "old");
    sup.finish();
}

#[test]
fn old_auto_logs_go_even_if_nothing_is_logged_so_any_more() {
    if skipped() {
        return;
    }
    // In the directory for temporary files, which is where they lie by default.
    let config = header("").replace("childlogdir=@dir@/child\n", "")
        + "[program:x]\ncommand=cat\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n";
    let setup = setup(&config).file("child/x-stdout---supervisor-abcd1234.log", "old");
    let sup = Sup::new(setup.env("TMPDIR", "@dir@/child"));
    sup.wait_log("success: x");
    assert!(!sup.0.dir().path().join("child/x-stdout---supervisor-abcd1234.log").exists());
    sup.finish();
}

#[test]
fn the_identifier_is_no_pattern() {
    if skipped() {
        return;
    }
    // [F]: theirs takes `a.b` for a regular expression and removes the logs of somebody else.
    let config = header("identifier=a.b\n") + "[program:x]\ncommand=cat\nstartsecs=0\n";
    let setup = setup(&config)
        .file("child/x-stdout---a.b-abcd1234.log", "ours")
        .file("child/x-stdout---aXb-abcd1234.log", "not ours");
    let sup = Sup::new(setup);
    sup.wait_log("success: x");
    assert_eq!(sup.file("child/x-stdout---a.b-abcd1234.log"), "");
    assert_eq!(sup.file("child/x-stdout---aXb-abcd1234.log"), if ours() { "not ours" } else { "" });
    sup.finish();
}

#[test]
fn a_tilde_is_the_home_directory() {
    if skipped() {
        return;
    }
    let config = "[program:x]\ncommand=@puppet@ say hello exit 0\nstartsecs=0\nautorestart=false\nstdout_logfile=~/x.out\n";
    let setup = setup(&(header("").replace("@dir@/main.log", "~/main.log") + config)).env("HOME", "@dir@");
    let sup = Sup::new(setup);
    sup.wait_log("exited: x");
    assert_eq!(sup.file("x.out"), "hello\n");
    sup.finish();
}

#[test]
fn a_bare_name_lies_where_the_daemon_was_started() {
    if skipped() {
        return;
    }
    let sup = pieces("", "stdout_logfile=x.out", &[b"hello\n"]);
    assert_eq!(sup.file("x.out"), "hello\n");
    sup.finish();
}

#[test]
fn doubtful_settings_are_warned_of_in_its_words() {
    if skipped() {
        return;
    }
    let sup = start_with(
        "",
        "[program:a]\ncommand=cat\nstartsecs=0\nstdout_logfile_maxbytes=0\n\
         [program:b]\ncommand=cat\nstartsecs=0\nredirect_stderr=true\nstderr_logfile=@dir@/b.err\n",
    );
    sup.wait_log("success: b");
    for text in [
        "WARN For [program:a], AUTO logging used for stdout_logfile without rollover, set maxbytes > 0 to avoid filling up \
         filesystem unintentionally\n",
        "WARN For [program:b], redirect_stderr=true but stderr_logfile has also been set to a filename, the filename has \
         been ignored\n",
    ] {
        assert!(sup.log().contains(text), "{}", sup.log());
    }
    assert!(!sup.0.dir().path().join("b.err").exists());
    sup.finish();
}

#[test]
fn what_cannot_be_cleaned_up_is_said() {
    if skipped() {
        return;
    }
    let config = header("") + "[program:x]\ncommand=cat\nstartsecs=0\n";
    let setup = setup(&config).file("child/x-stdout---supervisor-abcd1234.log/inside", "");
    let path = setup.fill("@dir@/child/x-stdout---supervisor-abcd1234.log");
    let sup = Sup::new(setup);
    sup.wait_log("success: x");
    assert!(sup.log().contains(&format!("WARN Failed to clean up '{path}'\n")), "{}", sup.log());
    sup.finish();
}

#[test]
fn a_rotation_that_cannot_be_done_leaves_the_log_going() {
    if skipped() {
        return;
    }
    // A directory lies where the backup should go. [F]: theirs closes the channel, and what follows is lost.
    let program = "[program:x]\ncommand=@puppet@ chunk @dir@/in chunk @dir@/in chunk @dir@/in exit 0\nstartsecs=0\nautorestart=false\n\
                   stdout_logfile=@dir@/x.out\nstdout_logfile_maxbytes=15\nstdout_logfile_backups=1\n";
    let setup = setup(&(header("") + program)).file("in", "0123456789").file("x.out.1/inside", "");
    let sup = Sup::new(setup);
    if ours() {
        sup.wait_log("exited: x");
        sup.wait_log("ERRO cannot rotate log ");
        assert_eq!(sup.file("x.out"), "012345678901234567890123456789");
    } else {
        sup.wait_log("CRIT uncaptured python exception, closing channel <POutputDispatcher");
        assert_eq!(sup.file("x.out"), "01234567890123456789");
    }
    sup.finish();
}

#[test]
fn a_fifo_is_a_log_like_any_other() {
    if skipped() {
        return;
    }
    let program = "[program:x]\ncommand=@puppet@ say one say two exit 0\nstartsecs=0\nautorestart=false\n\
                   stdout_logfile=@dir@/fifo\nstdout_logfile_maxbytes=0\nstderr_logfile=NONE\n";
    let setup = setup(&(header("") + program));
    let fifo = setup.dir().join("fifo");
    harness::Cmd::new(&["mkfifo", &fifo]).run().expect(0);
    let mut reader = std::fs::OpenOptions::new().read(true).write(true).open(&fifo).unwrap();
    let sup = Sup::new(setup);
    let mut seen = [0; 8];
    std::io::Read::read_exact(&mut reader, &mut seen).unwrap();
    assert_eq!(&seen, b"one\ntwo\n");
    sup.wait_log("exited: x");
    sup.finish();
}

#[test]
fn a_fifo_without_a_reader_is_a_spawn_error() {
    // Theirs stands still as a whole until somebody reads.
    if skipped() || !ours() {
        return;
    }
    let config = header("")
        + "[program:x]\ncommand=cat\nstartretries=0\nstdout_logfile=@dir@/fifo\nstdout_logfile_maxbytes=0\n\
           [program:y]\ncommand=cat\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\n";
    let setup = setup(&config);
    harness::Cmd::new(&["mkfifo", &setup.dir().join("fifo")]).run().expect(0);
    let sup = Sup::new(setup);
    sup.wait_log("spawnerr: unknown error making dispatchers for 'x': ENXIO");
    sup.wait_log("success: y");
    sup.finish();
}

/// `x` writes 60 bytes, somebody does something to the file, and `x` writes 60 more, with a limit of 100.
fn meddled(meddle: impl FnOnce(&Path)) -> BTreeMap<String, usize> {
    let program = "[program:x]\ncommand=@puppet@ chunk @dir@/in wait-file @dir@/go chunk @dir@/in exit 0\nstartsecs=0\n\
         autorestart=false\nstdout_logfile=@dir@/x.out\nstdout_logfile_maxbytes=100\nstderr_logfile=NONE\n";
    let sup = Sup::new(setup(&(header("") + program)).file("in", &piece(0, 60)));
    sup.wait_file("x.out", &piece(0, 60));
    let dir = sup.0.dir().path().to_path_buf();
    meddle(&dir.join("x.out"));
    sup.0.dir().write("go", "");
    sup.wait_log("exited: x");
    let sizes = family(&dir, "x.out").into_iter().map(|(name, text)| (name, text.len())).collect();
    sup.finish();
    sizes
}

#[test]
fn a_file_that_somebody_truncates_counts_from_there() {
    if !skipped() {
        let sizes = meddled(|path| drop(std::fs::File::create(path).expect("the test owns it")));
        assert_eq!(sizes, BTreeMap::from([(String::new(), 60)]));
    }
}

#[test]
fn what_others_append_counts() {
    if !skipped() {
        let sizes = meddled(|path| {
            let mut file = std::fs::OpenOptions::new().append(true).open(path).expect("the test owns it");
            std::io::Write::write_all(&mut file, &[b'x'; 39]).expect("the test owns it");
        });
        assert_eq!(sizes, BTreeMap::from([(String::new(), 0), (".1".into(), 159)]));
    }
}

#[test]
fn logs_are_made_with_the_umask_we_were_started_with() {
    if skipped() {
        return;
    }
    use std::os::unix::fs::PermissionsExt;
    let program = "[program:x]\ncommand=@puppet@ say hello exit 0\nstartsecs=0\nautorestart=false\numask=077\n\
         stdout_logfile=@dir@/x.out\nstderr_logfile=NONE\n";
    let setup =
        setup(&(header("umask=000\n") + program)).launcher(&["sh", "-c", "umask 027; exec \"$@\"", "sh"]);
    let sup = Sup::new(setup);
    sup.wait_log("exited: x");
    for name in ["x.out", "main.log"] {
        let mode = std::fs::metadata(sup.0.dir().path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640, "{name}");
    }
    sup.finish();
}
