//! The binary driven from outside: files, signals, sockets, exit codes. One module for each capability.
//!
//! Tests that need root (PID namespaces, users, chroot) say so in one line where there is none.

mod config_errors;
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
mod http;
mod init_hard;
mod init_job;
mod init_mode;
mod layering;
mod limits;
mod limits_native;
mod logging;
mod peers_daemon;
mod peers_dumb_init;
mod peers_tini;
mod pid1;
mod reap;
mod restarts;
mod routes;
mod run;
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
