//! Where the two output streams of a program go.
//!
//! Invariant: Supervisor's own warnings about log files are repeated word for word, as notes for the daemon's log.
//! Not here: opening, rotating or writing (`logging`).

use crate::config::expand::Names;
use crate::config::model::{LogPlan, LogTarget};
use crate::config::values;
use crate::config::values::logs::{self, LogChoice};
use crate::types::LogLevel;

use super::reader::{Passes, Reader, Reported, View};

/// What is read once for a section: capture and events of both streams.
pub(crate) struct Streams {
    stdout: (u64, bool),
    stderr: (u64, bool),
}

pub(crate) fn read_streams<'a>(
    r: &mut Reader<'a>,
    view: &View<'a>,
    names: &Names,
) -> Result<Streams, Reported> {
    let stdout_capture = r.value(view, "stdout_capture_maxbytes", names, values::size);
    let stdout_events = r.value(view, "stdout_events_enabled", names, values::boolean);
    let stderr_capture = r.value(view, "stderr_capture_maxbytes", names, values::size);
    let stderr_events = r.value(view, "stderr_events_enabled", names, values::boolean);
    Ok(Streams { stdout: (stdout_capture?, stdout_events?), stderr: (stderr_capture?, stderr_events?) })
}

/// The plans of stdout and stderr of one process.
pub(crate) fn read_logs<'a>(
    r: &mut Reader<'a>,
    view: &View<'a>,
    names: &Names,
    streams: &Streams,
    redirect_stderr: bool,
) -> (Result<LogPlan, Reported>, Result<LogPlan, Reported>) {
    let stdout = read_log(r, view, names, "stdout", streams.stdout).map(|(plan, _)| plan);
    let mut stderr = read_log(r, view, names, "stderr", streams.stderr);
    if let (true, Ok((plan, is_named))) = (redirect_stderr, &mut stderr) {
        // A default of TOML and environment is no filename that somebody has set.
        let is_set = r.entry(view, "stderr_logfile").is_some();
        if is_set && *is_named {
            r.note(
                LogLevel::Warn,
                format!(
                    "For [{}], redirect_stderr=true but stderr_logfile has also been set to a filename, the \
                     filename has been ignored",
                    view.title()
                ),
            );
        }
        plan.target = LogTarget::None;
    }
    (stdout, stderr.map(|(plan, _)| plan))
}

/// The plan, and whether a file was named.
fn read_log<'a>(
    r: &mut Reader<'a>,
    view: &View<'a>,
    names: &Names,
    stream: &str,
    (capture_maxbytes, events): (u64, bool),
) -> Result<(LogPlan, bool), Reported> {
    let logfile_key = format!("{stream}_logfile");
    let syslog_key = format!("{stream}_syslog");
    let choice = r.value_in(view, &logfile_key, names, Passes::Two, logs::log_choice);
    let backups = r.value(view, &format!("{stream}_logfile_backups"), names, values::count);
    let maxbytes = r.value(view, &format!("{stream}_logfile_maxbytes"), names, values::signed_size);
    let mut syslog = r.value(view, &syslog_key, names, values::boolean)?;
    let (backups, maxbytes) = (backups?, maxbytes?);
    let choice = choice?;
    let is_named = match &choice {
        LogChoice::Target(target) => !matches!(target, LogTarget::Auto | LogTarget::None),
        LogChoice::Empty => true,
        LogChoice::Syslog => false,
    };
    let target = match choice {
        LogChoice::Target(target) => target,
        LogChoice::Empty => LogTarget::None,
        LogChoice::Syslog => {
            r.note(
                LogLevel::Warn,
                format!(
                    "For [{}], {logfile_key}=syslog but this is deprecated and will be removed.  Use \
                     {syslog_key}=true to enable syslog instead.",
                    view.title()
                ),
            );
            syslog = true;
            LogTarget::None
        }
    };
    // COMPAT: a negative size keeps Supervisor silent.
    if target == LogTarget::Auto && maxbytes == 0 {
        r.note(
            LogLevel::Warn,
            format!(
                "For [{}], AUTO logging used for {logfile_key} without rollover, set maxbytes > 0 to avoid \
                 filling up filesystem unintentionally",
                view.title()
            ),
        );
    }
    let maxbytes = values::bytes(maxbytes);
    Ok((LogPlan { target, maxbytes, backups, capture_maxbytes, events, syslog }, is_named))
}
