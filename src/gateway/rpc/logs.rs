//! Reading and clearing logs: which bytes an offset and a length mean, and those bytes as text.
//!
//! Does I/O: reads the file that the core has opened. Invariants: what is read at once is bounded; whatever the bytes
//! are, text comes out. COMPAT: the arithmetic is Supervisor's, oddities included (contract 4.7; traps 58 and 59).
//! Not here: which file a log is (`daemon`).

use super::config::ordered;
use super::methods::{Caller, QUESTION_TIMEOUT, Refusal, Result, confused, named, plain, status, text_at};
use super::namespec;
use super::value::Value;
use crate::control::{Fault, FaultCode, LogOf, LogReply, Outcome, ProgramInfo, Reply, Request};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// BOUND: bytes of a log in one answer.
const MOST_BYTES: i64 = 16 << 20;

/// `readLog`, `readMainLog`.
pub fn read_main_log(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    caller.refuse_while_stopping()?;
    read(caller, LogOf::Daemon, "", params)
}

/// `readProcessStdoutLog`, `readProcessLog`.
pub fn read_stdout(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    let (name, rest) = name_first(caller, params)?;
    read(caller, process_log(name, false)?, name, rest)
}

/// `readProcessStderrLog`.
pub fn read_stderr(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    let (name, rest) = name_first(caller, params)?;
    read(caller, process_log(name, true)?, name, rest)
}

/// `tailProcessStdoutLog`, `tailProcessLog`.
pub fn tail_stdout(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    let (name, rest) = name_first(caller, params)?;
    tail(caller, process_log(name, false)?, name, rest)
}

/// `tailProcessStderrLog`.
pub fn tail_stderr(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    let (name, rest) = name_first(caller, params)?;
    tail(caller, process_log(name, true)?, name, rest)
}

fn name_first<'v>(caller: &Caller<'_>, params: &'v [Value]) -> Result<(&'v str, &'v [Value])> {
    let name = text_at(params, 0)?;
    caller.refuse_while_stopping()?;
    Ok((name, params.get(1..).unwrap_or_default()))
}

fn process_log(spec: &str, stderr: bool) -> Result<LogOf> {
    match namespec::split(spec) {
        (group, Some(name)) => Ok(LogOf::Process { group: group.to_owned(), name: name.to_owned(), stderr }),
        (_, None) => Err(named(FaultCode::BadName, spec)),
    }
}

/// `clearLog`.
pub fn clear_main_log(caller: &Caller<'_>, _: &[Value]) -> Result<Value> {
    caller.refuse_while_stopping()?;
    clear(caller, LogOf::Daemon)?.map_err(Refusal::Fault).map(|()| Value::Bool(true))
}

/// `clearProcessLogs`, `clearProcessLog`.
pub fn clear_process(caller: &Caller<'_>, params: &[Value]) -> Result<Value> {
    let (name, _) = name_first(caller, params)?;
    match clear(caller, process_log(name, false)?)? {
        Ok(()) => Ok(Value::Bool(true)),
        Err(fault) => Err(named(fault.code, name)),
    }
}

/// `clearAllProcessLogs`. One after the other, so that a thousand programs do not keep the core from its work.
pub fn clear_all(caller: &Caller<'_>, _: &[Value]) -> Result<Value> {
    caller.refuse_while_stopping()?;
    let all = super::config::configuration(caller)?;
    // COMPAT: in the order in which they are started.
    let sorted = ordered(all.iter(), &|a, b| {
        a.group_priority < b.group_priority
            || (a.group_priority == b.group_priority && (a.group != b.group || a.priority <= b.priority))
    });
    let mut results = Vec::with_capacity(all.len());
    for ProgramInfo { group, name, .. } in sorted {
        let whose = LogOf::Process { group: group.clone(), name: name.clone(), stderr: false };
        let fault = clear(caller, whose)?.err();
        let fault = fault.map(|f| Fault::new(f.code, namespec::join(group, name)));
        results.push(status(group, name, fault.as_ref()));
    }
    Ok(Value::Array(results))
}

fn clear(caller: &Caller<'_>, whose: LogOf) -> Result<std::result::Result<(), Fault>> {
    match caller.link.ask(&Request::ClearLog(whose), QUESTION_TIMEOUT)? {
        Reply::Command(Outcome::Done) => Ok(Ok(())),
        Reply::Command(Outcome::Fault(fault)) => Ok(Err(fault)),
        other => Err(confused(&other)),
    }
}

/// A log that was asked for.
enum Opened {
    File(File),
    Missing(Option<String>),
    Unreadable,
}

fn open(caller: &Caller<'_>, whose: LogOf, spec: &str) -> Result<Opened> {
    let (reply, file) = caller.link.ask_for_file(&Request::OpenLog(whose), QUESTION_TIMEOUT)?;
    match reply {
        // Without its file it got lost because we have too many open.
        Reply::Log(LogReply::Opened) => Ok(file.map_or(Opened::Unreadable, |fd| Opened::File(fd.into()))),
        Reply::Log(LogReply::Missing(path)) => Ok(Opened::Missing(path)),
        Reply::Log(LogReply::Unreadable) => Ok(Opened::Unreadable),
        Reply::Log(LogReply::NoSuchProcess) => Err(named(FaultCode::BadName, spec)),
        other => Err(confused(&other)),
    }
}

/// Offset and length. COMPAT: whatever Python's `int` takes.
fn numbers(params: &[Value]) -> Result<(i64, i64)> {
    let number = |i| {
        let value = params.get(i);
        let number = match value {
            Some(Value::Text(text)) => text.trim().parse().ok(),
            // `as` cuts the fraction off and stays within the range.
            Some(Value::Double(x)) if x.is_finite() => Some(*x as i64),
            other => other.and_then(Value::as_int),
        };
        number.ok_or_else(|| plain(FaultCode::IncorrectParameters))
    };
    Ok((number(0)?, number(1)?))
}

fn read(caller: &Caller<'_>, whose: LogOf, spec: &str, params: &[Value]) -> Result<Value> {
    let file = match open(caller, whose, spec)? {
        Opened::File(file) => file,
        Opened::Missing(Some(path)) => return Err(named(FaultCode::NoFile, &path)),
        Opened::Missing(None) => return Err(plain(FaultCode::NoFile)),
        Opened::Unreadable => return Err(plain(FaultCode::Failed)),
    };
    let (offset, length) = numbers(params)?;
    let (start, length) =
        read_window(size_of(&file)?, offset, length).ok_or_else(|| plain(FaultCode::BadArguments))?;
    if length > MOST_BYTES {
        let text = format!("{length} bytes are too many at once, ask for at most {MOST_BYTES} at a time");
        return Err(named(FaultCode::Failed, &text));
    }
    text_of(caller, &file, start, length)
}

fn tail(caller: &Caller<'_>, whose: LogOf, spec: &str, params: &[Value]) -> Result<Value> {
    let opened = open(caller, whose, spec)?;
    let empty = |offset| Ok(Value::Array(vec![Value::text(""), Value::Int(offset), Value::Bool(false)]));
    match opened {
        Opened::Missing(_) => empty(0),
        Opened::Unreadable => empty(numbers(params)?.0),
        Opened::File(file) => {
            let (offset, length) = numbers(params)?;
            let size = size_of(&file)?;
            let (start, length, overflow) = tail_window(size, offset, length.min(MOST_BYTES));
            let text = text_of(caller, &file, start, length)?;
            Ok(Value::Array(vec![text, Value::Int(size), Value::Bool(overflow)]))
        }
    }
}

fn size_of(file: &File) -> Result<i64> {
    let size = file.metadata().map_err(|_| plain(FaultCode::Failed))?.len();
    Ok(i64::try_from(size).unwrap_or(i64::MAX))
}

/// Where to start and how many bytes there are to read; `None` for numbers that mean nothing.
fn read_window(size: i64, offset: i64, length: i64) -> Option<(i64, i64)> {
    match (offset < 0, length) {
        (true, 0) => {
            let start = size.saturating_add(offset).max(0);
            Some((start, size - start))
        }
        (true, _) | (false, i64::MIN..=-1) => None,
        (false, wanted) => {
            let left = size.saturating_sub(offset).max(0);
            Some((offset, if wanted == 0 { left } else { left.min(wanted) }))
        }
    }
}

/// Where to start, how many bytes at most, and whether the log holds more than the caller can have seen.
/// COMPAT: trap 58: a window that begins before the end and ends behind it is moved back, and delivers old bytes again.
fn tail_window(size: i64, mut offset: i64, mut length: i64) -> (i64, i64, bool) {
    let overflow = size > offset.saturating_add(length);
    if overflow {
        offset = size - 1;
    }
    if offset.saturating_add(length) > size {
        if offset > size - 1 {
            length = 0;
        }
        offset = size.saturating_sub(length);
    }
    (offset.max(0), length.max(0), overflow)
}

/// At most so many bytes as text. Supervisor answers 500 to what is no UTF-8, or is cut within a character; here a
/// replacement character stands for it.
fn text_of(caller: &Caller<'_>, file: &File, start: i64, length: i64) -> Result<Value> {
    let size = usize::try_from(length.min(size_of(file)?.saturating_sub(start)).max(0)).unwrap_or(0);
    caller.make_room(size)?;
    let bytes = bytes_of(file, start.unsigned_abs(), size).map_err(|_| plain(FaultCode::Failed))?;
    let lossy = |e: std::string::FromUtf8Error| String::from_utf8_lossy(e.as_bytes()).into_owned();
    Ok(Value::Text(String::from_utf8(bytes).unwrap_or_else(lossy)))
}

/// Fewer where the file has become shorter.
fn bytes_of(file: &File, start: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut done = 0;
    while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, start.saturating_add(done as u64)) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    bytes.truncate(done);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_supervisor_reads() {
        for ((offset, length), want) in [
            ((0, 0), Some((0, 10))),
            ((3, 4), Some((3, 4))),
            ((8, 5), Some((8, 2))),
            ((10, 0), Some((10, 0))),
            ((50, 5), Some((50, 0))),
            ((-4, 0), Some((6, 4))),
            ((-50, 0), Some((0, 10))),
            ((i64::MIN, 0), Some((0, 10))),
            ((i64::MAX, i64::MAX), Some((i64::MAX, 0))),
            ((-4, 4), None),
            ((4, -4), None),
            ((0, i64::MIN), None),
        ] {
            assert_eq!(read_window(10, offset, length), want, "{offset}, {length}");
        }
    }

    #[test]
    fn what_is_tailed_is_what_supervisor_tails() {
        // On `0123456789`, as the real one answers.
        for ((offset, length), want) in [
            ((0, 5), (5, 5, true)),
            ((0, 10), (0, 10, false)),
            ((5, 5), (5, 5, false)),
            ((5, 3), (7, 3, true)),
            ((10, 5), (10, 0, false)),
            ((50, 5), (10, 0, false)),
            ((-5, 5), (5, 5, true)),
        ] {
            assert_eq!(tail_window(10, offset, length), want, "{offset}, {length}");
        }
        for (offset, length) in [(0, 100), (5, 100)] {
            let (start, length, overflow) = tail_window(10, offset, length);
            assert_eq!((start, length >= 10, overflow), (0, true, false), "{offset}, {length}");
        }
        for (offset, length) in [(0, 0), (3, 0), (0, -5)] {
            let (_, length, overflow) = tail_window(10, offset, length);
            assert_eq!((length, overflow), (0, true), "{offset}, {length}");
        }
        for (offset, length) in [(i64::MIN, i64::MIN), (i64::MAX, i64::MAX), (i64::MIN, i64::MAX)] {
            let (start, length, _) = tail_window(0, offset, length);
            assert!(start >= 0 && length >= 0);
        }
    }

    #[test]
    fn a_file_that_has_become_shorter_gives_what_is_left() {
        let path = std::env::temp_dir().join(format!("mainstay-read-{}", std::process::id()));
        std::fs::write(&path, "0123456789").expect("write");
        let file = File::open(&path).expect("open");
        assert_eq!(bytes_of(&file, 7, 100).expect("read"), b"789");
        assert_eq!(bytes_of(&file, 70, 100).expect("read"), b"");
        std::fs::remove_file(&path).expect("remove");
    }
}
