//! `echo_supervisord_conf`: a sample in other words, which means the same to both.

use crate::face::{face, log_of};
use crate::support::{ours, skipped};
use harness::{Cmd, Done, TempDir, bins, wait_until};

/// Runs the face with words that it does not look at.
fn echo(words: &[&str]) -> Done {
    let dir = TempDir::new();
    let name = if ours() {
        let link = dir.path().join("echo_supervisord_conf");
        std::os::unix::fs::symlink(bins::mainstay(), &link).expect("the directory is ours");
        link.display().to_string()
    } else {
        bins::venv("echo_supervisord_conf").expect("skipped() has looked")
    };
    Cmd::new(&[&[name.as_str()], words].concat()).run()
}

/// The sample of the real one, whoever is under test.
fn real_sample() -> String {
    let name = bins::venv("echo_supervisord_conf").expect("skipped() has looked");
    Cmd::new(&[name]).run().stdout
}

#[test]
fn arguments_are_ignored() {
    if skipped() {
        return;
    }
    let plain = echo(&[]);
    assert_eq!((plain.code(), plain.stderr.as_str()), (0, ""));
    assert!(plain.stdout.contains("\n[supervisord]\n"), "{}", plain.stdout);
    for words in [&["--help"][..], &["-x", "y"], &["supervisord.conf"]] {
        let again = echo(words);
        assert_eq!((again.code(), again.stdout), (0, plain.stdout.clone()), "{words:?}");
    }
}

#[test]
fn python_reads_the_same_values_out_of_both() {
    if skipped() {
        return;
    }
    let dir = TempDir::new();
    let script = "import sys\nfrom supervisor.options import UnhosedConfigParser\n\
        for name in sys.argv[1:]:\n    p = UnhosedConfigParser(); p.read(name)\n    \
        print({s: dict(p.items(s)) for s in sorted(p.sections())})\n";
    let python = bins::venv("python3").expect("skipped() has looked");
    let (a, b) = (dir.write("a", &echo(&[]).stdout), dir.write("b", &real_sample()));
    let done = Cmd::new(&[&python, "-c", script, &a, &b]).run();
    let lines: Vec<&str> = done.expect(0).stdout.lines().collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0], lines[1]);
}

#[test]
fn mainstay_reads_the_same_values_out_of_both() {
    if skipped() {
        return;
    }
    let dir = TempDir::new();
    let effective = |text: &str| {
        let path = dir.write("c.conf", text);
        Cmd::new(&[&bins::mainstay(), "check", "-c", &path, "--print", "json"]).run().expect(0).stdout.clone()
    };
    assert_eq!(effective(&echo(&[]).stdout), effective(&real_sample()));
}

#[test]
fn a_daemon_runs_on_it() {
    if skipped() {
        return;
    }
    // Whoever is under test runs on our sample.
    let sample = Cmd::new(&[&bins::mainstay(), "sample", "supervisord"]).run();
    assert_eq!(sample.stderr, "");
    let text = sample
        .expect(0)
        .stdout
        .replace("/tmp/supervisord.log", "@dir@/main.log")
        .replace("=/tmp/", "=@dir@/");
    let text = text.replace("serverurl=unix:///tmp/", "serverurl=unix://@dir@/");
    let text = format!("{text}[program:x]\ncommand=cat\nstdout_logfile=NONE\nstderr_logfile=NONE\n");
    let daemon = face(&text).arg("-n").arg("-u").arg("root").start();
    wait_until("it runs", || daemon.dir().read("main.log").contains("supervisord started with pid"));
    assert!(
        !log_of(&daemon).iter().any(|l| l.starts_with("WARN") || l.starts_with("ERRO")),
        "{:?}",
        log_of(&daemon)
    );
    daemon.finish();
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    if skipped() || !ours() {
        return;
    }
    let dir = TempDir::new();
    let link = dir.join("echo_supervisord_conf");
    std::os::unix::fs::symlink(bins::mainstay(), &link).unwrap();
    for end in ["| true", ">&-", "> /dev/full"] {
        let script = format!("{link} {end}; exit ${{PIPESTATUS[0]}}");
        let done = Cmd::new(&["bash", "-c", &script]).run();
        assert_eq!(done.stderr, "", "{end}");
        assert!([0, 141].contains(&done.code()), "{end}: {}", done.code());
    }
}
