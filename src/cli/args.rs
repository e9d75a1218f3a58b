//! The table of applets and their arguments; help and usage come from it.
//!
//! Pure. Not here: what the arguments do.

use crate::cli::{check, ctl, doctor, health, init, pidproxy, probe, run, sample};
use clap::{Parser, Subcommand};

/// PID 1 of a container: supervises several programs, speaks supervisord, Prometheus and Kubernetes
#[derive(Parser, Debug)]
#[command(
    name = "mainstay",
    version,
    infer_long_args = true,
    after_help = "\
Without an applet `run` is meant: `mainstay -c FILE` supervises, and plain `mainstay` looks for a configuration.
`mainstay -- CMD ARGS…` runs one program as a container's init and ends with its exit code.

Called as supervisord, supervisorctl, pidproxy or echo_supervisord_conf (a symlink is enough) it behaves as that
program; called as tini, docker-init or dumb-init it takes the options of those.

Exit codes: run: 0 stopped as asked, 2 configuration or usage, 70 internal error; with a main program its code.
init: the program's code, 128+N after signal N, 127 not found, 126 not executable.
pidproxy: 0 the command has ended or was told to, 1 usage or nobody to signal, 127 not found, 126 not executable.
check: 0 good, 2 errors. health: 0 healthy, 1 not. doctor: 0 nothing failed, 1 something did.
probe: 0 passed, 1 failed, 2 usage. ctl: supervisorctl's codes.

Start here:  mainstay sample toml > mainstay.toml && mainstay run -c mainstay.toml"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) applet: Applet,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Applet {
    /// Supervise the programs of a configuration (INI, TOML) and of the environment
    Run(run::RunArgs),
    /// Run one program: reap orphans, forward signals, end with its exit code
    Init(init::InitArgs),
    /// Run a command, and hand signals to the process that its pidfile names
    Pidproxy(pidproxy::PidproxyArgs),
    /// Control a running mainstay or supervisord: status, start, stop, restart, update, plan, tail, top, events
    #[command(after_help = crate::ctl::epilogue())]
    Ctl(ctl::CtlArgs),
    /// Validate a configuration and say everything that is wrong with it
    Check(check::CheckArgs),
    /// Ask for health: exec probe of Kubernetes, HEALTHCHECK of Docker
    Health(health::HealthArgs),
    /// Say what is wrong with this container: zombies and whose they are, limits, memory, files, time to stop
    Doctor(doctor::DoctorArgs),
    /// Ask a program whether it is ready or alive: what checks of kind http and tcp run
    #[command(after_help = "\
The last line on stdout says what was found. Exit codes: 0 passed, 1 failed, 2 bad usage.")]
    Probe(probe::ProbeArgs),
    /// Print a commented sample: ini, toml, env, docker, k8s, or supervisord for what echo_supervisord_conf prints
    Sample(sample::SampleArgs),
    /// The HTTP process; started by `run` only
    #[command(hide = true)]
    Gateway,
}
