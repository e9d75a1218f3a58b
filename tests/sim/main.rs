//! The engine under simulation: fake pids, scripted children, random operators, and time that jumps.
//!
//! Nothing here waits for real time. `SIM_RUNS=n` sets the number of random runs, `SEED=n` replays one.

mod checker;
mod clock;
mod configs;
mod native;
mod probes;
mod random;
mod rng;
mod scenarios;
mod script;
mod world;
