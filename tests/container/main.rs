//! As PID 1 of real Docker containers: ENTRYPOINT, stop, exit codes, health, restrictions.
//!
//! The image is `FROM scratch`: our binary, a puppet, busybox for a shell. It is built once, under a tag of this run, and
//! removed with everything else that carries this run's label when the process ends. Without Docker the tests are
//! skipped in one line each; with `REQUIRE_DOCKER=1` that is a failure. Nothing is pulled, nothing uses the network.

mod codes;
mod docker;
mod doctor;
mod draining;
mod ending;
mod files;
mod health;
mod init;
mod kubernetes;
mod languages;
mod logs;
mod matrix;
mod oom;
mod restrictions;
mod stopping;
