//! Commands beside programs: hooks and checks, each in a process group of its own, for a limited time.
//!
//! Does I/O. Invariants: each `RunTask` is answered by exactly one `TaskEnded`, and only when nobody is left in the group of
//! the task; a group is killed as soon as its leader has ended, its time is over or nobody wants it any more; nothing of
//! a task's output is kept but its last line; deadlines are part of the loop's own, nothing is polled while a task runs.
//! What a task puts into a session or group of its own (setsid) is no longer part of it: it is reaped as an orphan.
//! Not here: what is run (`task_plan`), when (`engine`).

use crate::daemon::lastresort;
use crate::daemon::sources::Token;
use crate::daemon::state::Daemon;
use crate::daemon::task_lines::Lines;
use crate::engine::input::{Input, TaskEnd, TaskRef};
use crate::spawn;
use crate::sys::child::Launched;
use crate::sys::signals::{self, To};
use crate::sys::{errno, fd};
use crate::types::{ExitStatus, LogLevel, Mono, Pid, Signal};
use nix::errno::Errno;
use nix::sys::epoll::{EpollEvent, EpollFlags};
use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// BOUND: tasks that run at once. Further ones wait for their turn; there are at most a few for each program.
const AT_ONCE: usize = 256;

/// BOUND: bytes of output taken from one task in one turn.
const BYTES_PER_TURN: usize = 16 << 10;

/// BOUND: such portions when a task has ended, which is more than a pipe holds.
const LAST_READS: usize = 8;

/// A group that does not go away is killed again so often. This runs only while one is being killed.
const KILL_AGAIN_MS: i64 = 100;

/// BOUND: how often. Who survives that hangs in the kernel, or may not be signalled by us.
const KILLS: u32 = 50;

/// See the module.
#[derive(Default)]
pub(crate) struct Tasks {
    running: Vec<Running>,
    waiting: VecDeque<(TaskRef, i64)>,
    next_id: u32,
}

struct Running {
    id: u32,
    task: TaskRef,
    /// Its leader's pid too.
    group: Pid,
    /// The leader has been reaped.
    status: Option<ExitStatus>,
    output: Option<OwnedFd>,
    lines: Lines,
    /// When it is killed, or killed again.
    due: Mono,
    n_kills: u32,
    /// How it has ended, when that is settled. Told when nobody is left.
    end: Option<TaskEnd>,
}

impl Tasks {
    /// When a task's time is over, or a kill has to be repeated.
    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        self.running.iter().filter(|r| r.n_kills < KILLS).map(|r| r.due).min()
    }

    /// A leader has ended, and others may be left.
    fn is_sweeping(&self) -> bool {
        self.running.iter().any(|r| r.status.is_some() || r.end.is_some())
    }

    fn find(&mut self, task: TaskRef) -> Option<&mut Running> {
        self.running.iter_mut().find(|r| r.task == task)
    }
}

impl Daemon {
    /// Performs `RunTask`.
    pub(crate) fn run_task(&mut self, task: TaskRef, timeout_ms: i64) {
        if self.tasks.running.len() >= AT_ONCE {
            return self.tasks.waiting.push_back((task, timeout_ms));
        }
        if let Err(why) = self.start_task(task, timeout_ms) {
            self.inputs.push_back(Input::TaskEnded { task, end: TaskEnd::NotStarted(why) });
        }
    }

    /// Performs `EndTask`. One that has ended already is being told of.
    pub(crate) fn end_task(&mut self, task: TaskRef) {
        if let Some(at) = self.tasks.waiting.iter().position(|(waiting, _)| *waiting == task) {
            self.tasks.waiting.remove(at);
            self.inputs.push_back(Input::TaskEnded { task, end: TaskEnd::Cancelled });
            return;
        }
        let now = self.now.mono;
        if let Some(running) = self.tasks.find(task).filter(|r| r.end.is_none()) {
            running.end = Some(TaskEnd::Cancelled);
            running.kill(now);
        }
    }

    fn start_task(&mut self, task: TaskRef, timeout_ms: i64) -> Result<(), String> {
        let (mut plan, program) = self.plan_task(task)?;
        let in_words = |e: Errno| errno::words(e as i32).to_string();
        let (ours, theirs) =
            fd::pipe_for_reading().map_err(|e| format!("cannot make a pipe: {}", in_words(e)))?;
        if i64::from(theirs.as_raw_fd()) >= self.usable_fds {
            return Err("too many open files".to_owned());
        }
        let theirs_fd = Some(theirs.as_raw_fd());
        plan.stdio = [self.null.as_ref().map(AsRawFd::as_raw_fd), theirs_fd, theirs_fd];
        let Launched { pid, failed } =
            self.spawner.spawn(&plan).map_err(|e| format!("cannot fork: {}", in_words(e)))?;
        drop(theirs);
        lastresort::born(pid);
        self.tasks.next_id = self.tasks.next_id.wrapping_add(1);
        let id = self.tasks.next_id;
        // RACE: a failed exec is told when its process has been reaped, like any end.
        let end = failed.map(|(stage, e)| {
            let (text, hint) = spawn::failure::told(&program, stage, e);
            let hint = hint.map(|hint| format!("; hint: {hint}")).unwrap_or_default();
            TaskEnd::NotStarted(format!("cannot {text}{hint}"))
        });
        let event = EpollEvent::new(EpollFlags::EPOLLIN, Token::Task { id }.encode());
        // Without being watched it is read at its end.
        let _ = self.epoll.add(&ours, event);
        self.tasks.running.push(Running {
            id,
            task,
            group: pid,
            status: None,
            output: Some(ours),
            lines: Lines::default(),
            due: self.now.mono.plus_ms(timeout_ms.max(1)),
            n_kills: 0,
            end,
        });
        Ok(())
    }

    /// A task has said something, or nobody holds its pipe any more.
    pub(crate) fn on_task_output(&mut self, id: u32) {
        if let Some(at) = self.tasks.running.iter().position(|r| r.id == id) {
            self.read_task(at);
        }
    }

    /// Reads for one turn. Whether there may be more.
    fn read_task(&mut self, at: usize) -> bool {
        let Some(running) = self.tasks.running.get_mut(at) else { return false };
        let Some(output) = &running.output else { return false };
        let mut bytes = [0; 4_096];
        let mut told = Vec::new();
        let (mut is_over, mut more) = (false, true);
        for _ in 0..BYTES_PER_TURN / bytes.len() {
            match fd::read_some(output.as_fd(), &mut bytes) {
                Ok(Some(n)) if n > 0 => {
                    let lines = bytes.get(..n).unwrap_or_default();
                    running.lines.take(lines, &mut |line| told.push(line));
                }
                Ok(None) => {
                    more = false;
                    break;
                }
                Ok(Some(_)) | Err(_) => {
                    is_over = true;
                    break;
                }
            }
        }
        let task = running.task;
        if is_over {
            let _ = self.epoll.delete(output); // it is in the set, or was never put there
            running.output = None;
            more = false;
        }
        for line in told {
            self.log_hook(task, &line);
        }
        more
    }

    /// A check says something every few seconds: only its last line is of interest, when it fails.
    fn log_hook(&mut self, task: TaskRef, line: &str) {
        if task.kind.is_hook() {
            let name = self.display_name(task.proc);
            self.log(LogLevel::Info, &format!("{name} {}: {line}", task.kind.word()));
        }
    }

    /// Whether the dead process was a task's leader.
    pub(crate) fn reaped_task(&mut self, pid: Pid, status: ExitStatus) -> bool {
        let of_pid = |r: &Running| r.group == pid && r.status.is_none();
        let Some(at) = self.tasks.running.iter().position(of_pid) else { return false };
        for _ in 0..LAST_READS {
            if !self.read_task(at) {
                break;
            }
        }
        let last_line = match self.tasks.running.get_mut(at) {
            Some(running) => {
                running.status = Some(status);
                // A group that is not empty at once is looked at again after each reaping, and at this time.
                running.due = self.now.mono.plus_ms(KILL_AGAIN_MS);
                let said = running.lines.said();
                running.end.get_or_insert(TaskEnd::Exited { status, said });
                let mut rest = None;
                running.lines.end_line(&mut |line| rest = Some(line));
                rest.map(|line| (running.task, line))
            }
            None => None,
        };
        if let Some((task, line)) = last_line {
            self.log_hook(task, &line);
        }
        true
    }

    /// After children were reaped: tasks whose leader has ended are told of as soon as nobody is left.
    pub(crate) fn sweep_tasks(&mut self) {
        if !self.tasks.is_sweeping() {
            return;
        }
        let mut at = 0;
        let mut ended = Vec::new();
        while let Some(running) = self.tasks.running.get_mut(at) {
            let is_gone = running.status.is_some() && running.is_group_gone();
            if is_gone || running.is_given_up() {
                ended.extend(self.forget_task(at));
            } else {
                at += 1;
            }
        }
        if ended.is_empty() {
            return;
        }
        while self.tasks.running.len() < AT_ONCE
            && let Some((task, timeout_ms)) = self.tasks.waiting.pop_front()
        {
            self.run_task(task, timeout_ms);
        }
        for (task, end) in ended {
            self.feed(Input::TaskEnded { task, end });
        }
    }

    fn forget_task(&mut self, at: usize) -> Option<(TaskRef, TaskEnd)> {
        let running = self.tasks.running.swap_remove(at);
        if let Some(output) = &running.output {
            let _ = self.epoll.delete(output); // it is in the set, or was never put there
        }
        if running.is_given_up() {
            let name = self.display_name(running.task.proc);
            let text = format!(
                "cannot get rid of the process group {} of a task of {name}: SIGKILL did not help; going on without it",
                running.group
            );
            self.log(LogLevel::Error, &text);
        }
        lastresort::gone(running.group);
        let end = running.end?;
        Some((running.task, end))
    }

    /// Kills whose time is over, and again who did not go.
    pub(crate) fn task_deadlines(&mut self) {
        let now = self.now.mono;
        if self.tasks.next_deadline().is_none_or(|due| due > now) {
            return;
        }
        for running in &mut self.tasks.running {
            if running.due <= now {
                running.end.get_or_insert(TaskEnd::TimedOut);
                running.kill(now);
            }
        }
        self.sweep_tasks();
    }

    /// The end of this life: what still runs is for nobody. Whoever reaps next reaps it.
    pub(crate) fn kill_all_tasks(&mut self) {
        for running in self.tasks.running.drain(..) {
            let _ = signals::send(To::Group(running.group), Signal::KILL); // gone already is as good
            lastresort::gone(running.group);
        }
        self.tasks.waiting.clear();
    }
}

impl Running {
    fn kill(&mut self, now: Mono) {
        let _ = signals::send(To::Group(self.group), Signal::KILL); // the sweep looks who is left
        self.n_kills += 1;
        self.due = now.plus_ms(KILL_AGAIN_MS);
    }

    /// Kills who is left. Nobody is as soon as the leader and they have been reaped.
    fn is_group_gone(&self) -> bool {
        matches!(signals::send(To::Group(self.group), Signal::KILL), Err(Errno::ESRCH))
    }

    fn is_given_up(&self) -> bool {
        self.n_kills >= KILLS
    }
}
