//! `[supervisord] strip_ansi`: what is taken out of a program's output, and what is not.

use crate::support::{Batch, batch, ours, part, pieces, skipped};
use harness::wait_until;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Name, output in one piece, what theirs logs, what ours logs.
type Case = (&'static str, &'static [u8], &'static [u8], &'static [u8]);

/// Sequences that the real one takes out too: byte for byte the same.
const SAME: &[(&str, &[u8], &[u8])] = &[
    ("colours", b"\x1b[31mred\x1b[0m \x1b[1;4;38;5;200mx\x1b[m\n", b"red x\n"),
    ("cursor", b"\x1b[2J\x1b[1;1Ha\x1b[Kb\x1b[10Ac\x1b[3Bd\x1b[sf\x1b[u\n", b"abcdf\n"),
    ("modes", b"\x1b[?25lhid\x1b[?25h\x1b[?1049h\n", b"hid\n"),
    ("report", b"\x1b[24;80Rx\n", b"x\n"),
    ("plain", b"plain [31m text\n", b"plain [31m text\n"),
    ("bytes", b"\x00\xff\x1b[1m\xfe\n", b"\x00\xff\xfe\n"),
    ("nested", b"\x1b[1\x1b[0mx\n", b"x\n"),
    ("lone", b"a \x1b b\x1b\n", b"a \x1b b\x1b\n"),
];

/// Trap 55 [F]: theirs eats text behind finals that it does not know, and leaves titles, links and character sets.
const BETTER: &[Case] = &[
    ("unknown final", b"\x1b[1;2Xhat \x1b[2Ghat\n", b"at at\n", b"hat hat\n"),
    ("title", b"\x1b]0;title\x07text\n", b"\x1b]0;title\x07text\n", b"text\n"),
    (
        "link",
        b"\x1b]8;;http://x/\x1b\\link\x1b]8;;\x1b\\\n",
        b"\x1b]8;;http://x/\x1b\\link\x1b]8;;\x1b\\\n",
        b"link\n",
    ),
    ("charset", b"\x1b(Bx\x1b)0\n", b"\x1b(Bx\x1b)0\n", b"x\n"),
    ("two bytes", b"\x1b=a\x1b7b\n", b"\x1b=a\x1b7b\n", b"ab\n"),
];

/// All cases of both tables by one daemon: name to what was logged.
static ALL: LazyLock<Batch<BTreeMap<String, Vec<u8>>>> = LazyLock::new(|| {
    batch(|| {
        let inputs: Vec<(&str, &[u8])> =
            SAME.iter().map(|(n, i, _)| (*n, *i)).chain(BETTER.iter().map(|(n, i, _, _)| (*n, *i))).collect();
        let programs: String = (0..inputs.len())
            .map(|n| {
                format!(
                    "[program:p{n}]\ncommand=@puppet@ chunk @dir@/in{n} exit 0\nstartsecs=0\nautorestart=false\n\
                     stdout_logfile=@dir@/out{n}\nstderr_logfile=NONE\n"
                )
            })
            .collect();
        let setup = crate::support::setup(&(crate::support::header("strip_ansi=true\n") + &programs));
        for (n, (_, input)) in inputs.iter().enumerate() {
            std::fs::write(setup.dir().path().join(format!("in{n}")), input).expect("the test owns it");
        }
        let sup = crate::support::Sup::new(setup);
        sup.wait_log_times("exited: p", inputs.len());
        let all =
            (0..inputs.len()).map(|n| (inputs[n].0.to_string(), sup.bytes(&format!("out{n}")))).collect();
        sup.finish();
        all
    })
});

#[test]
fn what_the_real_one_strips_is_stripped_to_the_same_bytes() {
    if skipped() {
        return;
    }
    for (name, _, want) in SAME {
        assert_eq!(part(&ALL, name), want, "{name}");
    }
}

#[test]
fn other_sequences_go_as_a_whole_and_take_no_text_along() {
    if skipped() {
        return;
    }
    for (name, _, theirs, better) in BETTER {
        assert_eq!(part(&ALL, name), if ours() { better } else { theirs }, "{name}");
    }
}

#[test]
fn a_sequence_may_be_cut_by_a_read() {
    if skipped() {
        return;
    }
    let sup = pieces(
        "strip_ansi=true\n",
        "stdout_logfile=@dir@/x.out",
        &[b"a\x1b[3", b"1mred\x1b", b"[0m", b"\x1b[1", b"m\x1b[2;3", b"7m end"],
    );
    let want: &[u8] = if ours() { b"ared end" } else { b"a1mred\x1b[0mm7m end" };
    assert_eq!(String::from_utf8_lossy(&sup.bytes("x.out")), String::from_utf8_lossy(want));
    sup.finish();
}

#[test]
fn what_was_no_sequence_is_there_at_the_end() {
    if skipped() {
        return;
    }
    let sup = pieces("strip_ansi=true\n", "stdout_logfile=@dir@/x.out", &[b"tail\x1b[3"]);
    let want: &[u8] = if ours() { b"tail\x1b[3" } else { b"tail" };
    assert_eq!(sup.bytes("x.out"), want);
    sup.finish();
}

#[test]
fn without_the_option_nothing_is_touched() {
    if skipped() {
        return;
    }
    let sup = pieces("", "stdout_logfile=@dir@/x.out", &[b"\x1b[31mred\x1b", b"[0m"]);
    assert_eq!(sup.bytes("x.out"), b"\x1b[31mred\x1b[0m");
    sup.finish();
}

#[test]
fn streams_are_stripped_too() {
    if skipped() {
        return;
    }
    let sup = pieces(
        "strip_ansi=true\n",
        "stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0",
        &[b"\x1b[31mred\x1b[0m\n"],
    );
    wait_until("it has arrived", || sup.0.stdout() == "red\n");
    sup.finish();
}

/// Text and sequences that the real one knows, mixed: what is written, and what is text.
fn mixture(mut state: u64) -> (Vec<u8>, Vec<u8>) {
    let (mut written, mut text) = (Vec::new(), Vec::new());
    let mut below = |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % 1000).unwrap_or(0) % n
    };
    for _ in 0..400 {
        if below(2) == 0 {
            let bytes: Vec<u8> = (0..below(9)).map(|_| b"abm[;019H \n\x07]()\xff"[below(16)]).collect();
            written.extend_from_slice(&bytes);
            text.extend_from_slice(&bytes);
        } else {
            written.extend_from_slice(b"\x1b[");
            (0..below(6)).for_each(|_| written.push(b"0123456789;?"[below(12)]));
            written.push(b"HfABCDRsuJKhlpm"[below(15)]);
        }
    }
    (written, text)
}

#[test]
fn mixtures_of_text_and_known_sequences_come_out_as_the_text() {
    if skipped() {
        return;
    }
    for seed in 1..=3 {
        let (written, text) = mixture(0x9E37_79B9_7F4A_7C15u64.wrapping_mul(seed));
        let sup = pieces("strip_ansi=true\n", "stdout_logfile=@dir@/x.out", &[&written]);
        assert_eq!(
            String::from_utf8_lossy(&sup.bytes("x.out")),
            String::from_utf8_lossy(&text),
            "seed {seed}"
        );
        sup.finish();
    }
}
