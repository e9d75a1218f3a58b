//! The puppet as an event listener: it writes down what it gets, and answers as it was told.

use std::io::Write;

/// Reads event after event; appends `HEADER|PAYLOAD` to the file, line ends in the payload as `\n`; answers with the
/// next of `answers` (commas between, the last one again and again): `ok`, `fail`, `hang`, `die`, or any text with `\n`
/// in it. Returns the code to exit with when there is no more input.
pub fn run(file: &str, answers: &str) -> i32 {
    let answers: Vec<&str> = answers.split(',').collect();
    let mut told = 0;
    loop {
        say("READY\n");
        let Some(header) = read_line() else { return 0 };
        let length = header.rsplit_once(" len:").and_then(|(_, n)| n.parse().ok()).unwrap_or(0);
        let Some(payload) = read_chars(length) else { return 0 };
        let line = format!("{header}|{}\n", payload.replace('\n', "\\n"));
        let opened = std::fs::OpenOptions::new().append(true).create(true).open(file);
        if opened.and_then(|mut f| f.write_all(line.as_bytes())).is_err() {
            return 98;
        }
        match answers[told.min(answers.len() - 1)] {
            "ok" => say("RESULT 2\nOK"),
            "fail" => say("RESULT 4\nFAIL"),
            "die" => return 3,
            "hang" => loop {
                // SAFETY: pause(2) has no arguments.
                unsafe { nix::libc::pause() };
            },
            text => say(&text.replace("\\n", "\n")),
        }
        told += 1;
    }
}

fn say(text: &str) {
    // SAFETY: the pointer and the length are those of the text.
    unsafe { nix::libc::write(1, text.as_ptr().cast(), text.len()) };
}

fn read_byte() -> Option<u8> {
    let mut byte = 0u8;
    loop {
        // SAFETY: one byte of our own.
        let n = unsafe { nix::libc::read(0, (&raw mut byte).cast(), 1) };
        match n {
            1 => return Some(byte),
            0 => return None,
            _ if nix::errno::Errno::last() == nix::errno::Errno::EINTR => {}
            _ => return None,
        }
    }
}

fn read_line() -> Option<String> {
    let mut line = Vec::new();
    loop {
        match read_byte()? {
            b'\n' => return Some(String::from_utf8_lossy(&line).into_owned()),
            byte => line.push(byte),
        }
    }
}

/// As a listener that reads text does.
fn read_chars(n: usize) -> Option<String> {
    let mut bytes = Vec::new();
    let mut left = n;
    while left > 0 {
        let first = read_byte()?;
        bytes.push(first);
        let more = match first {
            0xf0.. => 3,
            0xe0.. => 2,
            0xc0.. => 1,
            _ => 0,
        };
        for _ in 0..more {
            bytes.push(read_byte()?);
        }
        left -= 1;
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
