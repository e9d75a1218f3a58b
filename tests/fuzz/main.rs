//! Fuzzing with stable Rust alone: every parser that meets foreign bytes, and the engine, under generated input.
//!
//! `cargo test --test fuzz` runs a fixed number of cases of each target; `-- --seconds 60 [--target ini] [--seed 7]`
//! goes on for a while, from a new seed; `-- --target ini --replay FILE` tries one input again. The same seed makes the
//! same inputs (where the same corpus lies beside the checkout). A failure is shrunk, printed, and kept in
//! `tests/fuzz/artifacts/`. Not here: coverage guidance, which needs a nightly compiler.

mod args;
mod bytes;
mod machine;
mod mutate;
mod rng;
mod run;
mod targets;

use args::{Args, Mode};
use std::process::ExitCode;

fn main() -> ExitCode {
    let all = targets::all();
    let names: Vec<&'static str> = all.iter().map(|t| t.name()).collect();
    let args = match Args::read(std::env::args().skip(1), &names) {
        Ok(args) => args,
        Err(why) => {
            eprintln!("error: {why}");
            return ExitCode::from(2);
        }
    };
    let n_all = all.len();
    let chosen: Vec<_> = all.into_iter().filter(|t| args.chooses(t.name())).collect();
    if args.mode == Mode::List {
        chosen.iter().for_each(|t| println!("{}: test", t.name()));
        return ExitCode::SUCCESS;
    }
    let n_filtered = n_all - chosen.len();
    if run::all(chosen, &args.mode, args.seed, n_filtered) { ExitCode::SUCCESS } else { ExitCode::from(101) }
}
