//! The same case against ours or the real supervisord: `UNDER_TEST=ours|theirs`.
//!
//! Each case was first made to pass against Supervisor 4.3.0. Where ours differs on purpose, the case says so with
//! both expectations and the trap of the contract (section 10) behind it. Both are driven by the real supervisorctl.

mod autorestart;
mod command_line;
mod config_errors;
mod ctl;
mod daemonize;
mod echo_conf;
mod face;
mod getopt;
mod groups;
mod here;
mod logs;
mod minimums;
mod missing_directories;
mod oneshot;
mod pidfile;
mod pidproxy;
mod reload;
mod second_instance;
mod servers;
mod shutdown;
mod spawn_errors;
mod startup;
mod startup_log;
mod stopping;
mod support;
mod users;
