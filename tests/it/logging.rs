//! The path of a program's output: no byte lost, lines kept whole, a slow reader blocks nobody else.

use crate::support::{ini, needs_root, toml};
use harness::pattern::{bytes, checksum};
use harness::{Setup, wait_for, wait_until};
use std::time::Duration;

const MANY: usize = 20_000_000;

#[test]
fn no_byte_of_a_file_is_lost() {
    let daemon = ini(&format!(
        "[program:p]\ncommand=@puppet@ spew {MANY} exit 0\nstartsecs=0\nautorestart=false\nstdout_logfile=@dir@/p.out\nstdout_logfile_maxbytes=0\n"
    ))
    .start();
    daemon.wait_said("exited: p");
    let path = daemon.dir().path().join("p.out");
    let size = || std::fs::metadata(&path).map_or(0, |m| m.len());
    wait_for("all bytes are there", Duration::from_secs(20), || size() == MANY as u64);
    assert_eq!(checksum(&std::fs::read(&path).unwrap()), checksum(&bytes(MANY)));
    daemon.finish();
}

#[test]
fn no_byte_is_lost_while_files_rotate() {
    let daemon = ini(
        "[program:p]\ncommand=@puppet@ spew 5000000 exit 0\nstartsecs=0\nautorestart=false\nstdout_logfile=@dir@/p.out\n\
         stdout_logfile_maxbytes=300KB\nstdout_logfile_backups=100\n",
    )
    .start();
    daemon.wait_said("exited: p");
    let whole = |daemon: &harness::Daemon| -> Vec<u8> {
        let mut names = daemon.dir().list("p.out");
        // p.out.9 is newer than p.out.10; p.out is the newest.
        names.sort_by_key(|n| {
            std::cmp::Reverse(n.rsplit('.').next().and_then(|d| d.parse::<u32>().ok()).unwrap_or(0))
        });
        names.iter().flat_map(|n| std::fs::read(daemon.dir().path().join(n)).unwrap_or_default()).collect()
    };
    wait_until("all bytes are there", || whole(&daemon).len() == 5_000_000);
    assert_eq!(checksum(&whole(&daemon)), checksum(&bytes(5_000_000)));
    assert!(daemon.dir().list("p.out").len() > 10);
    daemon.finish();
}

#[test]
fn no_byte_of_a_stream_is_lost() {
    let daemon = toml(&format!(
        "[program.p]\ncommand = [\"@puppet@\", \"spew\", \"{MANY}\", \"exit\", \"0\"]\nstartsecs = 0\nautorestart = false\n\
         [program.q]\ncommand = [\"@puppet@\", \"hold\"]\n"
    ))
    .start();
    wait_for("all bytes are there", Duration::from_secs(20), || daemon.stdout_bytes().len() >= MANY);
    assert_eq!(checksum(&daemon.stdout_bytes()), checksum(&bytes(MANY)));
    daemon.finish();
}

#[test]
fn lines_of_two_programs_stay_whole() {
    let program = |n: &str| {
        format!(
            "[program.{n}]\ncommand = [\"@puppet@\", \"spew\", \"640000\", \"exit\", \"0\"]\nstartsecs = 0\nautorestart = false\n"
        )
    };
    let daemon =
        toml(&format!("{}{}[program.r]\ncommand = [\"@puppet@\", \"hold\"]\n", program("p"), program("q")))
            .start();
    wait_for("all bytes are there", Duration::from_secs(20), || daemon.stdout_bytes().len() >= 1_280_000);
    let text = daemon.stdout();
    let mut seen: Vec<&str> = text.lines().collect();
    seen.sort_unstable();
    let pattern = String::from_utf8(bytes(640_000)).unwrap();
    let mut want: Vec<&str> = pattern.lines().chain(pattern.lines()).collect();
    want.sort_unstable();
    assert!(seen == want, "a line was torn");
    daemon.finish();
}

#[test]
fn the_last_line_without_an_end_arrives() {
    let daemon = toml(
        "[program.p]\ncommand = [\"@puppet@\", \"say\", \"one\", \"print\", \"tail\", \"exit\", \"0\"]\nstartsecs = 0\nautorestart = false\n\
         [program.q]\ncommand = [\"@puppet@\", \"hold\"]\n",
    )
    .start();
    wait_until("the tail has arrived", || daemon.stdout() == "one\ntail" || daemon.stdout() == "one\ntail\n");
    daemon.finish();
}

#[test]
fn stdout_and_stderr_stay_apart() {
    let daemon =
        toml("[program.p]\ncommand = [\"@puppet@\", \"say\", \"out\", \"say-err\", \"err\", \"hold\"]\n")
            .start();
    wait_until("both have arrived", || {
        daemon.stdout().contains("out\n") && daemon.stderr().contains("err\n")
    });
    assert_eq!(daemon.stdout(), "out\n", "our own log is on stderr");
    daemon.finish();
}

#[test]
fn binary_output_passes() {
    let daemon = ini(
        "[program:p]\ncommand=sh -c \"printf '\\\\000\\\\377\\\\376 x \\\\001'\"\nstartsecs=0\nautorestart=false\nstdout_logfile=@dir@/p.out\n",
    )
    .start();
    daemon.wait_said("exited: p");
    wait_until("it has arrived", || {
        std::fs::read(daemon.dir().path().join("p.out")).is_ok_and(|b| b == b"\x00\xff\xfe x \x01")
    });
    daemon.finish();
}

#[test]
fn a_reader_that_does_not_read_blocks_neither_the_daemon_nor_other_programs() {
    // The daemon's stdout is a fifo that nobody drains.
    let setup = ini(
        "[program:loud]\ncommand=@puppet@ spew 3000000 hold\nstartsecs=0\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n\
         [program:quiet]\ncommand=@puppet@ stamp @dir@/st after 100 exit 0\nstartsecs=0\nautorestart=true\n",
    );
    let fifo = setup.dir().join("fifo");
    harness::Cmd::new(&["mkfifo", &fifo]).run().expect(0);
    let daemon = setup.launcher(&["sh", "-c", "exec \"$@\" >\"$0\" 3<\"$0\"", &fifo]).start();
    // Opening it for both keeps the daemon's own opening from waiting.
    let keep = std::fs::OpenOptions::new().read(true).write(true).open(&fifo).unwrap();
    wait_until("the quiet one is started again and again", || daemon.dir().read("st").lines().count() >= 5);
    assert_eq!(daemon.get("/livez").map(|a| a.status), Some(200));
    daemon.wait_state("loud", "RUNNING");
    let pid = daemon.pid();
    harness::kill(pid, 15).unwrap();
    assert_eq!(daemon.wait_exit(), 0, "it ends although nobody reads");
    drop(keep);
}

#[test]
fn a_full_disk_ends_nobody() {
    if !std::path::Path::new("/dev/full").exists() || needs_root() {
        return;
    }
    let daemon = ini(
        "[program:p]\ncommand=@puppet@ spew 100000 hold\nstartsecs=0\nstdout_logfile=/dev/full\nstdout_logfile_maxbytes=0\n",
    )
    .start();
    daemon.wait_state("p", "RUNNING");
    assert_eq!(daemon.get("/livez").map(|a| a.status), Some(200));
    daemon.finish();
}

#[test]
fn a_program_may_close_its_output_and_live_on() {
    let daemon =
        ini("[program:p]\ncommand=@puppet@ say up close 1,2 hold\nstartsecs=0\nstdout_logfile=@dir@/p.out\n")
            .start();
    wait_until("it has closed", || daemon.dir().read("p.out") == "up\n");
    daemon.wait_state("p", "RUNNING");
    let ticks = |pid: i32| {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(0, |t| {
            let words: Vec<&str> = t.rsplit(')').next().unwrap_or("").split_whitespace().collect();
            words[11].parse::<u64>().unwrap_or(0) + words[12].parse::<u64>().unwrap_or(0)
        })
    };
    let before = ticks(daemon.pid());
    harness::pause(1000);
    assert!(ticks(daemon.pid()) - before < 10, "a closed pipe must not spin");
    daemon.finish();
}

#[test]
fn dev_stdout_works_for_another_user_on_a_private_stdout() {
    if needs_root() {
        return;
    }
    let daemon = Setup::toml("[control]\nunix = \"@sock@\"\n[program.p]\ncommand = [\"/bin/sh\", \"-c\", \"echo from $(id -u); exec sleep 100\"]\nuser = \"nobody\"\nstdout_logfile = \"/dev/stdout\"\n").start();
    daemon.wait_said("from 65534");
    daemon.finish();
}

#[test]
fn a_line_without_end_does_not_eat_memory() {
    let daemon = toml("[program.p]\ncommand = [\"sh\", \"-c\", \"tr '\\\\0' x </dev/zero | head -c 50000000; exec sleep 100\"]\n").start();
    wait_for("it has passed", Duration::from_secs(30), || daemon.stdout_bytes().len() >= 50_000_000);
    let rss: u64 = harness::proc::status(daemon.pid(), "VmHWM")
        .and_then(|t| t.split(' ').next()?.parse().ok())
        .unwrap_or(0);
    assert!(rss < 20_000, "{rss} kB");
    daemon.finish();
}

#[test]
fn the_end_of_the_daemon_waits_for_a_slow_reader_of_its_stdout() {
    // More than a pipe holds, from a program that ends by itself and the container with it.
    let script = "export MAINSTAY_PROGRAM__P=\"$1 spew 3000000\" MAINSTAY_PROGRAM__P__AUTORESTART=false \
        MAINSTAY_PROGRAM__P__STARTSECS=0 MAINSTAY_CONTROL__UNIX=\"$2\"; \
        \"$0\" run 2>/dev/null | dd bs=512 2>/dev/null | wc -c";
    let setup = Setup::toml("");
    let socket = setup.dir().path().join("c.sock").display().to_string();
    for _ in 0..5 {
        let words = ["sh", "-c", script, &harness::mainstay(), &harness::puppet(), &socket];
        assert_eq!(harness::Cmd::new(&words).run().stdout.trim(), "3000000");
    }
}

#[test]
fn last_words_stand_before_the_news_of_the_death() {
    // Both go to the same stream. Many at once: a death and its last words then often come in one turn of the loop.
    let header = crate::support::ini_header()
        .replace("silent=true\nlogfile=@dir@/main.log", "logfile=/dev/null\nlogfile_maxbytes=0");
    let programs = "[program:p]\ncommand=@puppet@ say words-of-%(process_num)d. exit 0\nnumprocs=60\n\
        process_name=p%(process_num)d\nstartsecs=0\nautorestart=false\nstdout_logfile=/dev/stdout\n\
        stdout_logfile_maxbytes=0\n";
    let daemon = Setup::ini(&format!("{header}{programs}")).start();
    wait_until("all have ended", || daemon.stdout().matches("INFO exited: p").count() == 60);
    let text = daemon.stdout();
    for n in 0..60 {
        let words = text.find(&format!("words-of-{n}.")).expect("it spoke");
        let death = text.find(&format!("INFO exited: p{n} ")).expect("it ended");
        assert!(words < death, "p{n}: {text}");
    }
    daemon.finish();
}

#[test]
fn hundreds_of_megabytes_arrive_byte_for_byte() {
    const PIECE: usize = 16_000_000;
    const TIMES: usize = 20;
    let setup = ini(
        "[program:p]\ncommand=sh -c 'n=0; while [ $n -lt 20 ]; do cat @dir@/in; n=$((n+1)); done'\nstartsecs=0\n\
         autorestart=false\nstdout_logfile=@dir@/p.out\nstdout_logfile_maxbytes=0\n",
    );
    let piece = bytes(PIECE);
    std::fs::write(setup.dir().path().join("in"), &piece).unwrap();
    let daemon = setup.start();
    wait_for("it has ended", Duration::from_secs(60), || daemon.said().contains("INFO exited: p"));
    let mut file = std::fs::File::open(daemon.dir().path().join("p.out")).unwrap();
    let mut part = vec![0; PIECE];
    for n in 0..TIMES {
        std::io::Read::read_exact(&mut file, &mut part).unwrap();
        assert!(part == piece, "piece {n} differs");
    }
    assert_eq!(std::io::Read::read(&mut file, &mut part).unwrap(), 0, "and nothing more");
    daemon.finish();
}

#[test]
fn filters_lose_nothing_however_much_passes() {
    // Each line is coloured and some are captured; what remains are the lines themselves.
    let script = "n=0; while [ $n -lt 40 ]; do cat @dir@/in; n=$((n+1)); done";
    let setup = ini(&format!(
        "[program:p]\ncommand=sh -c '{script}'\nstartsecs=0\nautorestart=false\n\
         stdout_logfile=@dir@/p.out\nstdout_logfile_maxbytes=0\nstdout_capture_maxbytes=1KB\n",
    ));
    let config =
        setup.dir().read("supervisord.conf").replace("[supervisord]\n", "[supervisord]\nstrip_ansi=true\n");
    let setup = setup.file("supervisord.conf", &config);
    let lines = bytes(640_000);
    let coloured: Vec<u8> = lines
        .chunks(64)
        .enumerate()
        .flat_map(|(n, line)| {
            let captured: &[u8] =
                if n % 10 == 0 { b"<!--XSUPERVISOR:BEGIN-->hidden<!--XSUPERVISOR:END-->" } else { b"" };
            [b"\x1b[1;31m", captured, line, b"\x1b]0;title\x07\x1b[0m"].concat()
        })
        .collect();
    std::fs::write(setup.dir().path().join("in"), &coloured).unwrap();
    let daemon = setup.start();
    wait_for("it has ended", Duration::from_secs(60), || daemon.said().contains("INFO exited: p"));
    let seen = std::fs::read(daemon.dir().path().join("p.out")).unwrap();
    assert!(seen == lines.repeat(40), "{} bytes, expected {}", seen.len(), lines.len() * 40);
    daemon.finish();
}

#[test]
fn a_log_nobody_reads_stops_only_the_program_that_writes_there() {
    let setup = ini(
        "[program:loud]\ncommand=@puppet@ spew 1000000 touch @dir@/through hold\nstartsecs=0\nstdout_logfile=@dir@/fifo\nstdout_logfile_maxbytes=0\n\
         [program:quiet]\ncommand=@puppet@ spew 1000000 stamp @dir@/st after 20 exit 0\nstartsecs=0\nautorestart=true\n\
         stdout_logfile=@dir@/quiet.out\nstdout_logfile_maxbytes=0\n",
    );
    let fifo = setup.dir().join("fifo");
    harness::Cmd::new(&["mkfifo", &fifo]).run().expect(0);
    let mut reader = std::fs::OpenOptions::new().read(true).write(true).open(&fifo).unwrap();
    let daemon = setup.start();
    wait_until("the quiet one is started again and again", || daemon.dir().read("st").lines().count() >= 5);
    assert_eq!(daemon.get("/livez").map(|a| a.status), Some(200));
    assert!(!daemon.dir().path().join("through").exists(), "the loud one waits");
    // Now somebody reads: nothing is missing.
    let mut seen = vec![0; 1_000_000];
    std::io::Read::read_exact(&mut reader, &mut seen).unwrap();
    assert!(seen == bytes(1_000_000), "bytes differ");
    wait_until("the loud one is through", || daemon.dir().path().join("through").exists());
    daemon.finish();
}

#[test]
fn a_log_that_is_a_fifo_without_a_reader_does_not_keep_the_daemon_waiting() {
    let setup = ini("[program:p]\ncommand=@puppet@ hold\nstartsecs=0\n");
    let config = setup.dir().read("supervisord.conf").replace("@dir@/main.log", "@dir@/fifo");
    let config = config.replace(&setup.fill("@dir@/main.log"), &setup.fill("@dir@/fifo"));
    let setup = setup.file("supervisord.conf", &config);
    harness::Cmd::new(&["mkfifo", &setup.dir().join("fifo")]).run().expect(0);
    let daemon = setup.start();
    daemon.wait_state("p", "RUNNING");
    assert!(daemon.stderr().contains("CRIT cannot open log `"), "{}", daemon.stderr());
    daemon.finish();
}

#[test]
fn last_words_that_look_like_a_token_or_an_escape_stand_before_the_news_of_the_death() {
    let header = crate::support::ini_header().replace(
        "silent=true\nlogfile=@dir@/main.log",
        "strip_ansi=true\nlogfile=/dev/null\nlogfile_maxbytes=0",
    );
    let programs = "[program:p]\ncommand=@puppet@ chunk @dir@/in%(process_num)d exit 0\nnumprocs=30\n\
        process_name=p%(process_num)d\nstartsecs=0\nautorestart=false\nstdout_logfile=/dev/stdout\n\
        stdout_logfile_maxbytes=0\nstdout_capture_maxbytes=1KB\n";
    let setup = Setup::ini(&format!("{header}{programs}"));
    for n in 0..30 {
        let tail = if n % 2 == 0 { "<!--XSUPER" } else { "\x1b[3" };
        setup.dir().write(&format!("in{n}"), &format!("words-of-{n}.{tail}"));
    }
    let daemon = setup.start();
    wait_until("all have ended", || daemon.stdout().matches("INFO exited: p").count() == 30);
    let text = daemon.stdout();
    for n in 0..30 {
        let tail = if n % 2 == 0 { "<!--XSUPER" } else { "\x1b[3" };
        let words = text.find(&format!("words-of-{n}.{tail}")).expect("it spoke");
        let death = text.find(&format!("INFO exited: p{n} ")).expect("it ended");
        assert!(words < death, "p{n}: {text}");
    }
    daemon.finish();
}

#[test]
fn strip_ansi_is_there_in_toml_too() {
    let setup = Setup::toml(
        "[supervisor]\nstrip_ansi = true\n[control]\nunix = \"@sock@\"\n\
         [program.p]\ncommand = [\"@puppet@\", \"chunk\", \"@dir@/in\", \"hold\"]\n",
    );
    let daemon = setup.file("in", "\x1b[31mred\x1b[0m\n").start();
    wait_until("it has spoken", || daemon.stdout() == "red\n");
    daemon.finish();
}

#[test]
fn an_identifier_with_a_slash_does_not_cost_the_output() {
    let setup = ini("[program:p]\ncommand=@puppet@ say hello hold\nstartsecs=0\n");
    let config =
        setup.dir().read("supervisord.conf").replace("[supervisord]\n", "[supervisord]\nidentifier=a/b\n");
    let daemon = setup.file("supervisord.conf", &config).start();
    daemon.wait_state("p", "RUNNING");
    wait_until("it is logged", || {
        let names = daemon.dir().list("p-stdout---a-b-");
        names.len() == 1 && daemon.dir().read(&names[0]) == "hello\n"
    });
    daemon.finish();
}

#[test]
fn last_words_stand_before_the_news_of_the_death_though_somebody_else_holds_the_pipe() {
    let header = crate::support::ini_header()
        .replace("silent=true\nlogfile=@dir@/main.log", "logfile=/dev/null\nlogfile_maxbytes=0");
    let programs = "[program:p]\ncommand=@puppet@ spawn-holding print last-words<!--XSUPER exit 0\nstartsecs=0\n\
        autorestart=false\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nstdout_capture_maxbytes=1KB\n";
    let daemon = Setup::ini(&format!("{header}{programs}")).start();
    daemon.wait_said("INFO exited: p");
    let text = daemon.stdout();
    let words = text.find("last-words<!--XSUPER").expect("it spoke");
    assert!(words < text.find("INFO exited: p").expect("it ended"), "{text}");
    let left: Vec<i32> = daemon
        .offspring()
        .into_iter()
        .filter(|p| harness::proc::status(*p, "Name").is_some_and(|n| n == "puppet"))
        .collect();
    assert_eq!(left.len(), 1, "the child that holds the pipe");
    harness::kill(left[0], 9).unwrap();
    daemon.finish();
}

#[test]
fn a_stdout_that_is_a_file_is_shared_without_overwriting() {
    // The daemon's own lines and a program's output have one offset.
    let header = crate::support::ini_header()
        .replace("silent=true\nlogfile=@dir@/main.log", "logfile=/dev/null\nlogfile_maxbytes=0");
    let programs = "[program:p]\ncommand=@puppet@ say one say two exit 0\nstartsecs=0\nautorestart=false\n\
        stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n";
    let setup = Setup::ini(&format!("{header}{programs}"));
    let out = setup.dir().join("out");
    let daemon = setup.launcher(&["sh", "-c", "exec \"$@\" >\"$0\"", &out]).start();
    wait_until("it has ended", || daemon.dir().read("out").contains("INFO exited: p"));
    let text = daemon.dir().read("out");
    assert!(text.contains("\none\ntwo\n") && text.contains("INFO spawned: 'p'"), "{text}");
    assert!(text.lines().all(|l| l.starts_with("20") || l == "one" || l == "two"), "{text}");
    daemon.finish();
}

#[test]
fn a_communication_or_a_title_without_an_end_does_not_eat_memory() {
    let script =
        |begin: &str| format!("sh -c \"printf '{begin}'; tr '\\\\0' x </dev/zero | head -c 40000000\"");
    let setup = ini(&format!(
        "[program:p]\ncommand={}\nstartsecs=0\nautorestart=false\nstdout_logfile=@dir@/p.out\nstdout_logfile_maxbytes=0\n\
         stdout_capture_maxbytes=1MB\n\
         [program:q]\ncommand={}\nstartsecs=0\nautorestart=false\nstdout_logfile=@dir@/q.out\nstdout_logfile_maxbytes=0\n",
        script("<!--XSUPERVISOR:BEGIN-->"),
        script("\\\\033]0;"),
    ));
    let config =
        setup.dir().read("supervisord.conf").replace("[supervisord]\n", "[supervisord]\nstrip_ansi=true\n");
    let daemon = setup.file("supervisord.conf", &config).start();
    wait_for("both have ended", Duration::from_secs(40), || {
        daemon.said().matches("INFO exited: ").count() == 2
    });
    let rss =
        harness::proc::status(daemon.pid(), "VmHWM").and_then(|t| t.split(' ').next()?.parse::<u64>().ok());
    assert!(rss.is_some_and(|kb| kb < 20_000), "{rss:?} kB");
    daemon.wait_said("'p' stdout ended within a comm event: 1048576 bytes are thrown away");
    let size = |name: &str| std::fs::metadata(daemon.dir().path().join(name)).map_or(0, |m| m.len());
    // A title that long is no title.
    assert_eq!((size("p.out"), size("q.out")), (0, 40_000_004));
    daemon.finish();
}
