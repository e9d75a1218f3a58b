//! Two parsers, one answer: generated configurations through Supervisor's own parser and through ours.
//!
//! `cargo test --test differential` compares 10,000 files from a new seed and prints it; `-- --files N --seed S` goes on or
//! goes back, `-- --case N` runs one of them and prints both answers. The same answer means the same reason for a refusal or equal values of
//! every field of every section; what may differ is the list in `compare.rs`, and how often each entry applied is printed.
//! A difference is shrunk, printed, and kept in `tests/differential/artifacts/`.
//! Needs Supervisor 4.3.0 in `$SUPERVISOR_VENV` or `.venv`, and says so where there is none. Not here: what a program does.

#![allow(clippy::disallowed_methods)] // the fences are about the product; this starts Python and measures its own time

mod case;
mod compare;
mod corpus;
mod generate;
mod mutate;
mod ours;
#[allow(dead_code)]
#[path = "../fuzz/rng.rs"]
mod rng;
mod shrink;
mod theirs;
mod words;

use case::{Case, MAIN};
use compare::{RULES, Verdict, compare};
use rng::Rng;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use theirs::Theirs;

/// Each with a Python process of its own.
const WORKERS: u64 = 2;
/// Differences that are shrunk and printed; after that the run has said enough.
const MAX_SHOWN: usize = 8;

struct Args {
    files: u64,
    seed: u64,
    /// Only this one.
    case: Option<u64>,
}

fn read_args() -> Result<Option<Args>, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |d| d.as_secs());
    let mut read = Args { files: 10_000, seed: now, case: None };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || {
            let value = args.next().ok_or_else(|| format!("cannot read `{arg}`: its value is missing"))?;
            value.parse::<u64>().map_err(|_| format!("cannot read `{arg} {value}`: it is no number"))
        };
        match arg.as_str() {
            "--files" => read.files = number()?,
            "--seed" => read.seed = number()?,
            "--case" => read.case = Some(number()?),
            // `cargo test -- --list`, and a filter that means another target.
            "--list" => return Ok(None),
            filter if !filter.starts_with('-') && !"differential".contains(filter) => return Ok(None),
            _ => {}
        }
    }
    Ok(Some(read))
}

fn main() -> ExitCode {
    let args = match read_args() {
        Ok(Some(args)) => args,
        Ok(None) => return ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            return ExitCode::from(2);
        }
    };
    let Some(python) = theirs::interpreter() else {
        let required = std::env::var("REQUIRE_COMPAT").is_ok_and(|v| v == "1");
        let word = if required { "missing" } else { "skipped" };
        eprintln!("{word}: no Supervisor in $SUPERVISOR_VENV and none in .venv");
        return if required { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    };
    match run(&args, &python) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(101),
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::from(101)
        }
    }
}

/// What is shared by the workers.
struct Run<'a> {
    args: &'a Args,
    python: &'a Path,
    /// The working directory of both parsers.
    scratch: PathBuf,
    env: Vec<(String, String)>,
    corpus: Vec<Vec<u8>>,
    next: AtomicU64,
    enough: AtomicBool,
    tally: Mutex<Tally>,
}

#[derive(Default)]
struct Tally {
    files: u64,
    accepted: u64,
    on_purpose: BTreeMap<&'static str, u64>,
    different: usize,
}

fn run(args: &Args, python: &Path) -> io::Result<bool> {
    let started = Instant::now();
    let scratch = std::env::temp_dir().join(format!("mainstay-differential-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let scratch = std::fs::canonicalize(scratch)?;
    std::env::set_current_dir(&scratch)?;
    let run = Run {
        args,
        python,
        scratch: scratch.clone(),
        env: words::ENVIRONMENT.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
        corpus: corpus::read(),
        next: AtomicU64::new(args.case.unwrap_or(0)),
        enough: AtomicBool::new(false),
        tally: Mutex::default(),
    };
    let outcome = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|w| {
                scope.spawn({
                    let run = &run;
                    move || work(run, w)
                })
            })
            .collect();
        let mut workers = workers.into_iter();
        workers.try_for_each(|w| w.join().unwrap_or_else(|_| Err(io::Error::other("a worker panicked"))))
    });
    std::env::set_current_dir("/")?;
    std::fs::remove_dir_all(&scratch)?;
    outcome?;
    let tally = run.tally.into_inner().unwrap_or_default();
    let (seed, seconds) = (args.seed, started.elapsed().as_secs_f32());
    println!(
        "differential: {} files, seed {seed}, {seconds:.1} s, {} seeds from real files",
        tally.files,
        run.corpus.len()
    );
    let refused =
        tally.files - tally.accepted - tally.on_purpose.values().sum::<u64>() - tally.different as u64;
    println!(
        "  both accept, all values equal: {}; both refuse for the same reason: {refused}",
        tally.accepted
    );
    for rule in RULES {
        println!(
            "  on purpose, {}: {} ({})",
            rule.name,
            tally.on_purpose.get(rule.name).unwrap_or(&0),
            rule.why
        );
    }
    println!("  different: {}", tally.different);
    // A generator that has lost its aim compares nothing.
    let few = tally.files / 10;
    let is_aimed = args.case.is_some() || (tally.accepted >= few && refused >= few);
    if !is_aimed {
        eprintln!("error: too few of the files are accepted, or too few refused");
    }
    Ok(tally.different == 0 && is_aimed)
}

fn work(run: &Run<'_>, worker: u64) -> io::Result<()> {
    let mut pair =
        Pair { theirs: Theirs::start(run.python, &run.scratch, &run.env)?, run, root: format!("w{worker}") };
    let end = run.args.case.map_or(run.args.files, |case| case + 1);
    loop {
        let number = run.next.fetch_add(1, Ordering::Relaxed);
        if number >= end || run.enough.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut rng = Rng::for_case(run.args.seed, "differential", number);
        let case = generate(&mut rng, &run.corpus);
        let verdict = pair.judge(&case)?;
        if run.args.case.is_some() {
            println!("{}", pair.report(number, &case)?);
        }
        let mut count = run.tally.lock().map_err(|_| io::Error::other("a worker panicked"))?;
        count.files += 1;
        match verdict {
            Verdict::Same { accepted } => count.accepted += u64::from(accepted),
            Verdict::OnPurpose(rule) => *count.on_purpose.entry(rule).or_default() += 1,
            Verdict::Different(_) => {
                count.different += 1;
                let is_last = count.different >= MAX_SHOWN;
                drop(count);
                run.enough.fetch_or(is_last, Ordering::Relaxed);
                show(&mut pair, number, &case)?;
            }
        }
    }
}

fn generate(rng: &mut Rng, corpus: &[Vec<u8>]) -> Case {
    if !corpus.is_empty() && rng.percent(15) {
        let text = &corpus[rng.below(corpus.len())];
        return mutate::mutated(rng, text);
    }
    generate::case(rng)
}

/// Both parsers, and the directory they read from.
struct Pair<'a> {
    theirs: Theirs,
    run: &'a Run<'a>,
    root: String,
}

impl Pair<'_> {
    fn answers(&mut self, case: &Case) -> io::Result<(serde_json::Value, serde_json::Value)> {
        let root = self.run.scratch.join(&self.root);
        case.write(&root)?;
        let path = self.path(case);
        let env = &self.run.env;
        let ours = std::panic::catch_unwind(|| ours::answer(&path, env));
        let ours =
            ours.unwrap_or_else(|_| serde_json::json!({ "ok": false, "error": "(ours has panicked)" }));
        Ok((self.theirs.answer(&path)?, ours))
    }

    fn judge(&mut self, case: &Case) -> io::Result<Verdict> {
        let (theirs, ours) = self.answers(case)?;
        let verdict = compare(&theirs, &ours);
        if case.is_printed && verdict == (Verdict::Same { accepted: true }) {
            let found = self.printed(case, &theirs)?;
            if !found.is_empty() {
                return Ok(Verdict::Different(found));
            }
        }
        Ok(verdict)
    }

    /// What both parsers make of `check --print ini` of the case, where it is not what they made of the case itself.
    fn printed(&mut self, case: &Case, meant: &serde_json::Value) -> io::Result<Vec<String>> {
        let Some(text) = ours::printed(&self.path(case), &self.run.env) else { return Ok(Vec::new()) };
        // The files beside it stay: directories are among them.
        let mut again = case.clone();
        again.files.insert(MAIN.to_owned(), text.clone().into_bytes());
        let (theirs, ours) = self.answers(&again)?;
        let mut found = Vec::new();
        for (who, answer) in [("theirs", theirs), ("ours", ours)] {
            if let Some(differs) = compare::printed(meant, &answer) {
                found.push(format!("printed as INI, {who} (as ours): {differs}\n{text}"));
            }
        }
        Ok(found)
    }

    fn path(&self, case: &Case) -> String {
        if case.is_absolute {
            self.run.scratch.join(&self.root).join(MAIN).display().to_string()
        } else {
            format!("{}/{MAIN}", self.root)
        }
    }

    /// Both answers and the files.
    fn report(&mut self, number: u64, case: &Case) -> io::Result<String> {
        let (theirs, ours) = self.answers(case)?;
        let found = match self.judge(case)? {
            Verdict::Same { .. } => "the same".to_owned(),
            Verdict::OnPurpose(rule) => format!("different on purpose: {rule}"),
            Verdict::Different(found) => found.join("\n"),
        };
        let seed = self.run.args.seed;
        let whole = if self.run.args.case.is_some() {
            format!("theirs {theirs:#}\nours {ours:#}\n")
        } else {
            String::new()
        };
        Ok(format!("case {number} of seed {seed}\n{found}\n{}{whole}", case.shown()))
    }
}

/// Shrinks, prints and keeps a difference.
fn show(pair: &mut Pair<'_>, number: u64, case: &Case) -> io::Result<()> {
    let small = shrink::shrink(case, |candidate| matches!(pair.judge(candidate), Ok(Verdict::Different(_))));
    let report = pair.report(number, &small)?;
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/artifacts");
    std::fs::create_dir_all(&dir)?;
    let kept = dir.join(format!("{}-{number}", pair.run.args.seed));
    std::fs::create_dir_all(&kept)?;
    std::fs::write(kept.join("report.txt"), &report)?;
    small.write(&kept.join("files"))?;
    eprintln!("{report}kept in {}\n", kept.display());
    Ok(())
}
