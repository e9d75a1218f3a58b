//! The binary driven from outside: files, signals, sockets, exit codes. One module for each capability.
//!
//! Tests that need root (PID namespaces, users, chroot) say so in one line where there is none.

mod config_errors;
mod config_native;
mod ctl;
mod depends;
mod docs;
mod doctor;
mod draining;
mod env;
mod events;
mod explain;
mod faces;
mod fcgi;
mod follow_events;
mod hooks;
mod http;
mod init_mode;
mod layering;
mod limits;
mod limits_native;
mod logging;
mod logs_format;
mod logs_overflow;
mod logs_rate;
mod pid1;
mod reap;
mod restarts;
mod routes;
mod run;
mod schedule;
mod secrets;
mod shell;
mod signals;
mod support;
mod toml;
mod top;
mod tree;
mod update;
mod update_logs;
mod update_more;
mod web;
