//! Runs targets case by case: catches panics, watches the time, shrinks what fails, and tells how to see it again.
//!
//! The cases run in a thread of their own, so that one that never ends is found too. While a timed run tries a case,
//! its input lies in `artifacts/TARGET.current`: it survives what cannot be caught (a stack that overflows).

use crate::args::Mode;
use crate::rng::Rng;
use crate::targets::Target;
use mainstay::sys::clock;
use mainstay::types::Mono;
use nix::time::{ClockId, clock_gettime};
use std::cell::RefCell;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The seed of a run that does not last: the gate is to find the same each time.
const QUICK_SEED: u64 = 1;

/// BOUND: processor time of one case. The slowest honest ones need a fifth of it without optimization.
const CASE_MS: u64 = 10_000;

/// How often we look whether the case still is the same, and how many times it may be.
const LOOK: Duration = Duration::from_secs(5);
const LOOKS: u32 = 12;

/// After so many cases one in twenty must have been accepted: refusals alone test little.
const ENOUGH: u64 = 200;

/// BOUND: attempts to make a failing input smaller.
const SHRINK_TRIES: usize = 3_000;

/// BOUND: bytes of an input that are printed; the file has all.
const SHOWN_BYTES: usize = 1_024;

thread_local! {
    /// What the panic hook saw: message and place.
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

type Shared = Arc<Mutex<(u64, Vec<u8>)>>;

/// What came of one target.
struct Verdict {
    n_cases: u64,
    n_accepted: u64,
    /// What happened, and the input.
    failure: Option<(String, Vec<u8>)>,
}

/// Runs them all and prints a summary as cargo does; whether all is well.
pub(crate) fn all(targets: Vec<Box<dyn Target>>, mode: &Mode, seed: Option<u64>, n_filtered: usize) -> bool {
    remember_panics();
    let began = clock::now().mono;
    let seed = seed.unwrap_or_else(|| match mode {
        Mode::Timed(_) => Rng::new(clock::now().mono.0).next() % 1_000_000_000,
        _ => QUICK_SEED,
    });
    println!("\nrunning {} fuzz targets, seed {seed}", targets.len());
    let (mut n_passed, mut failed) = (0, Vec::new());
    for target in targets {
        let name = target.name();
        let verdict = watched(target, mode.clone(), seed);
        match verdict.failure {
            None => {
                n_passed += 1;
                println!("test {name} ... ok ({} cases, {} accepted)", verdict.n_cases, verdict.n_accepted);
            }
            Some((what, input)) => {
                println!("test {name} ... FAILED (after {} cases)", verdict.n_cases);
                report(name, seed, &what, &input);
                failed.push(name);
            }
        }
    }
    let word = if failed.is_empty() { "ok" } else { "FAILED" };
    let seconds = clock::now().mono.since_ns(began) / 10_000_000;
    println!(
        "\ntest result: {word}. {n_passed} passed; {} failed; 0 ignored; 0 measured; {n_filtered} filtered out; \
         finished in {}.{:02}s\n",
        failed.len(),
        seconds / 100,
        seconds % 100
    );
    failed.is_empty()
}

/// Runs a target in a thread, and gives it up when one case does not end.
fn watched(target: Box<dyn Target>, mode: Mode, seed: u64) -> Verdict {
    let shared = Shared::default();
    let (done, verdict) = mpsc::channel();
    let seen = Arc::clone(&shared);
    let builder = std::thread::Builder::new().name(target.name().to_owned());
    let thread = builder.spawn(move || {
        // Nobody listens any more when it took too long.
        let _ = done.send(cases(&*target, &mode, seed, &seen));
    });
    if let Err(why) = thread {
        return Verdict {
            n_cases: 0,
            n_accepted: 0,
            failure: Some((format!("cannot start a thread: {why}"), Vec::new())),
        };
    }
    let (mut last, mut looks) = (0, 0);
    loop {
        match verdict.recv_timeout(LOOK) {
            Ok(verdict) => return verdict,
            Err(RecvTimeoutError::Disconnected) => {
                let (n_cases, input) = current(&shared);
                return Verdict {
                    n_cases,
                    n_accepted: 0,
                    failure: Some(("the harness itself has failed".into(), input)),
                };
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        let (n_cases, input) = current(&shared);
        looks = if n_cases == last { looks + 1 } else { 0 };
        last = n_cases;
        if looks >= LOOKS {
            return Verdict {
                n_cases,
                n_accepted: 0,
                failure: Some(("one case does not end".into(), input)),
            };
        }
    }
}

fn current(shared: &Shared) -> (u64, Vec<u8>) {
    shared.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn cases(target: &dyn Target, mode: &Mode, seed: u64, shared: &Shared) -> Verdict {
    if let Mode::Replay(path) = mode {
        let failure = match std::fs::read(path) {
            Ok(input) => attempt(target, &input).err().map(|what| (what, input)),
            Err(why) => Some((format!("cannot read {}: {why}", path.display()), Vec::new())),
        };
        return Verdict { n_cases: 1, n_accepted: 1, failure };
    }
    let end = match mode {
        Mode::Timed(seconds) => Some(clock::now().mono.plus_ms(as_ms(*seconds))),
        _ => None,
    };
    let is_over = |n: u64, now: Mono| end.map_or(n >= target.quick_cases(), |end| now >= end);
    let trace = artifacts().join(format!("{}.current", target.name()));
    let (mut n_cases, mut n_accepted) = (0, 0);
    while !is_over(n_cases, clock::now().mono) {
        let input = target.generate(&mut Rng::for_case(seed, target.name(), n_cases));
        if end.is_some() {
            keep(&trace, &input);
        }
        *shared.lock().unwrap_or_else(PoisonError::into_inner) = (n_cases, input.clone());
        n_cases += 1;
        match attempt(target, &input) {
            Ok(accepted) => n_accepted += u64::from(accepted),
            Err(what) => {
                let failure = Some(shrink(target, what, input));
                forget(&trace);
                return Verdict { n_cases, n_accepted, failure };
            }
        }
    }
    forget(&trace);
    let is_wild = n_cases >= ENOUGH && n_accepted * 20 < n_cases;
    let failure =
        is_wild.then(|| (format!("too wild: {n_accepted} of {n_cases} inputs are accepted"), Vec::new()));
    Verdict { n_cases, n_accepted, failure }
}

fn as_ms(seconds: u64) -> i64 {
    i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX)
}

/// One case: whether it was accepted, or what is wrong.
fn attempt(target: &dyn Target, input: &[u8]) -> Result<bool, String> {
    let before = processor_ms();
    let result = catch_unwind(AssertUnwindSafe(|| target.check(input)));
    let used = processor_ms().saturating_sub(before);
    match result {
        Err(_) => Err(format!("panic: {}", PANIC.with(|p| p.borrow().clone()))),
        Ok(Err(why)) => Err(why),
        Ok(Ok(_)) if used > CASE_MS => Err(format!("too slow: {used} ms of processor time")),
        Ok(Ok(accepted)) => Ok(accepted),
    }
}

/// Of this thread, so that a busy machine is no failure.
fn processor_ms() -> u64 {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)
        .map_or(0, |t| u64::try_from(t.tv_sec() * 1_000 + t.tv_nsec() / 1_000_000).unwrap_or(0))
}

/// Leaves out pieces, large ones first, as long as it fails in the same way.
fn shrink(target: &dyn Target, what: String, input: Vec<u8>) -> (String, Vec<u8>) {
    if what.starts_with("too slow") {
        return (what, input);
    }
    let kind = kind_of(&what).to_owned();
    let (mut what, mut best) = (what, input);
    let mut piece = best.len() / 2;
    let mut tries = 0;
    while piece > 0 && tries < SHRINK_TRIES {
        let (mut at, mut is_smaller) = (0, false);
        while at < best.len() && tries < SHRINK_TRIES {
            let mut less = best.clone();
            less.drain(at..(at + piece).min(best.len()));
            tries += 1;
            match attempt(target, &less) {
                Err(same) if kind_of(&same) == kind => {
                    (what, best, is_smaller) = (same, less, true);
                }
                _ => at += piece,
            }
        }
        if !is_smaller {
            piece /= 2;
        }
    }
    (what, best)
}

/// The first words: enough to tell one failure from another.
fn kind_of(what: &str) -> &str {
    what.split([':', '\n', '`']).next().unwrap_or(what)
}

fn remember_panics() {
    std::panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("(no message)");
        let place = info.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        PANIC.with(|p| *p.borrow_mut() = format!("{place}: {text}"));
    }));
}

fn artifacts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/artifacts")
}

/// Writes a file; a failure to do so must not hide what was found.
fn keep(path: &Path, bytes: &[u8]) {
    let dir = path.parent().unwrap_or(Path::new("."));
    if let Err(why) = std::fs::create_dir_all(dir).and_then(|()| std::fs::write(path, bytes)) {
        eprintln!("cannot write {}: {why}", path.display());
    }
}

fn forget(path: &Path) {
    // It is only there in timed runs.
    let _ = std::fs::remove_file(path);
}

fn report(name: &str, seed: u64, what: &str, input: &[u8]) {
    let hash = input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let path = artifacts().join(format!("{name}-{hash:016x}"));
    keep(&path, input);
    let shown = &input[..input.len().min(SHOWN_BYTES)];
    let mut hex = String::new();
    for (i, byte) in shown.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{}{byte:02x}", if i > 0 && i % 32 == 0 { "\n" } else { "" });
    }
    println!(
        "\n---- {name} ----\n{what}\n\nseed {seed}, {} bytes, the first {} of them:",
        input.len(),
        shown.len()
    );
    println!(
        "{hex}\n\nas text:\n{}\n",
        String::from_utf8_lossy(shown).escape_debug().to_string().replace("\\n", "\n")
    );
    println!("again: cargo test --test fuzz -- --target {name} --replay {}\n", path.display());
}
