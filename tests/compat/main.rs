//! The same case against ours or the real supervisord: `UNDER_TEST=ours|theirs`.
//!
//! Each case was first made to pass against Supervisor 4.3.0. Where ours differs on purpose, the case says so with
//! both expectations and the trap of the contract (section 10) behind it. Both are driven by the real supervisorctl.

mod autorestart;
mod capture;
mod config_errors;
mod config_refusals;
mod config_traps;
mod ctl;
mod debug_copy;
mod environment;
mod fcgi;
mod groups;
mod limits;
mod logs;
mod main_log;
mod oneshot;
mod order;
mod reopen;
mod rotation;
mod shutdown;
mod signals;
mod spawn_errors;
mod startup;
mod states;
mod stopping;
mod strip_ansi;
mod support;
mod syslog;
