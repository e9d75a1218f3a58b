//! The same case against ours or the real supervisord: `UNDER_TEST=ours|theirs`.
//!
//! Each case was first made to pass against Supervisor 4.3.0. Where ours differs on purpose, the case says so with
//! both expectations and the trap of the contract (section 10) behind it. Both are driven by the real supervisorctl.

mod autorestart;
mod capture;
mod command_line;
mod config_errors;
mod config_refusals;
mod config_traps;
mod ctl;
mod ctl_follow;
mod ctl_logs;
mod daemonize;
mod debug_copy;
mod echo_conf;
mod environment;
mod events;
mod events_more;
mod events_protocol;
mod events_sent;
mod face;
mod fcgi;
mod getopt;
mod groups;
mod here;
mod limits;
mod logs;
mod logtail;
mod main_log;
mod minimums;
mod missing_directories;
mod oneshot;
mod order;
mod pidfile;
mod pidproxy;
mod reload;
mod reopen;
mod rotation;
mod rpc_clear;
mod rpc_config;
mod rpc_logs;
mod rpc_system;
mod second_instance;
mod servers;
mod shutdown;
mod signals;
mod spawn_errors;
mod startup;
mod startup_log;
mod states;
mod stopping;
mod strip_ansi;
mod superlance;
mod support;
mod syslog;
mod users;
