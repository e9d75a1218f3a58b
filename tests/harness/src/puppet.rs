//! The puppet: a child process whose arguments are verbs, done one after the other.
//!
//! It is built static, so that it runs in an empty root, and uses nothing of `/proc` but where a verb says so.

use crate::pattern;
use nix::libc;
use nix::sys::resource::Resource;
use std::io::{Read, Write};

const HELP: &str = "puppet VERB [ARG]...: does one verb after the other, then exits 0

  say TEXT, say-err TEXT      a line on stdout, stderr
  print TEXT                  the same without a line end
  exit N                      ends with this code
  after MS                    waits
  hold                        waits for ever
  ignore SIGS, default SIGS   dispositions; SIGS is TERM,INT,RTMIN+3,40 or all
  block SIGS, unblock SIGS    the signal mask
  on SIG N                    from now on SIG ends the program: it says `got NUMBER` and exits N
  print-signals               says ready, then the number of each signal it gets, for ever
  crash SIG                   kills itself
  fork-orphans N              N grandchildren that end at once and are orphans when they do; says `orphans N`
  fork-and-die                leaves a grandchild that holds, says its pid, exits 0
  spawn-zombie                a child that has ended and is never waited for; says its pid
  eat MIB                     fills so much memory and keeps it
  spawn-holding               a child that holds; says its pid
  spawn-ignoring-term         a child that holds and ignores TERM; says its pid
  hog MS                      takes every process there is for so long, says `full` once; they end with it
  spawn-daemon                a child in a session of its own that holds; says its pid
  spawn-holding-pipe MS       a child that keeps our stdout open for MS and then says `late`
  chunk FILE, chunk-err FILE  what is in the file, in one write; waits until the reader has taken it
  spew BYTES                  the pattern on stdout; spew-err on stderr
  sigconf                     the kernel's SigBlk, SigIgn, SigCgt; without /proc by asking for each
  fds                         open descriptors 0..1024 and what they are
  env, cwd, ids, pgid, ppid, umask, nofile, args   facts, one on a line each
  env-of NAME                 the value, or `unset`
  cat                         copies stdin to stdout until its end
  accept-stdin                stdin is a listening socket: answers each connection `pid N got TEXT`, for ever
  listener FILE ANSWERS       is an event listener: see listener.rs
  fdflags FD                  the flags of an open file description, octal, as in /proc/self/fdinfo
  tty                         `tty foreground` when stdin is a terminal and we are in its foreground group
  touch FILE, append FILE TEXT, stamp FILE   an empty file, a line, a line with pid and monotonic milliseconds
  wait-file FILE              waits until the file exists
  notify TEXT                 TEXT to $NOTIFY_SOCKET; \\n is a line end
  notify-until FILE MS TEXT   the same every MS until the file exists
  exit-from FILE              exits with the number in the file, 0 without one
  limits                      soft and hard limits of open files and of processes; -1 is none
  close FDS, rlimit-nofile N|max, rlimit-nproc N, rlimit-core N, chroot DIR, chdir DIR, setids UID GID, no-new-privs, setsid, umask-set OCTAL
  subreaper                   become one
  rights                      how many capabilities we have, how many are in the bounding set, and no_new_privs
  unmount DIR                 take what is mounted there away, whoever uses it
  cap-bound N|all, cap-drop N|all   capabilities by number: out of the bounding set; out of our own sets
  exec CMD ARG...             become another program";

/// Runs the verbs; the exit code.
#[must_use]
pub fn main(args: Vec<String>) -> i32 {
    let mut words = args.into_iter();
    while let Some(verb) = words.next() {
        if let Some(code) = perform(&verb, &mut words) {
            return code;
        }
    }
    0
}

fn perform(verb: &str, words: &mut std::vec::IntoIter<String>) -> Option<i32> {
    let mut word = || words.next().unwrap_or_else(|| die(&format!("{verb} needs an argument")));
    match verb {
        "--help" | "-h" => line(HELP),
        "say" => line(&word()),
        "print" => emit(1, word().as_bytes()),
        "say-err" => emit(2, format!("{}\n", word()).as_bytes()),
        "exit" => return Some(number(&word())),
        "after" => nap(number(&word())),
        "hold" => loop {
            // SAFETY: pause(2) has no arguments.
            unsafe { libc::pause() };
        },
        "ignore" => signals(&word()).into_iter().for_each(|s| dispose(s, libc::SIG_IGN)),
        "default" => signals(&word()).into_iter().for_each(|s| dispose(s, libc::SIG_DFL)),
        "block" => mask(libc::SIG_BLOCK, &signals(&word())),
        "unblock" => mask(libc::SIG_UNBLOCK, &signals(&word())),
        "on" => on_signal(&word(), number(&word())),
        "print-signals" => print_signals(),
        "crash" => crash(signals(&word())[0]),
        "fork-orphans" => fork_orphans(number(&word())),
        "fork-and-die" => {
            let pid = child(|| perform("hold", &mut Vec::new().into_iter()).unwrap_or(0));
            line(&format!("pid {pid}"));
            return Some(0);
        }
        "spawn-zombie" => line(&format!("child {}", child(|| 0))),
        "eat" => eat(number(&word())),
        "spawn-holding" => spawn(|| ()),
        "spawn-ignoring-term" => spawn(|| dispose(libc::SIGTERM, libc::SIG_IGN)),
        "hog" => hog(number(&word())),
        "spawn-daemon" => spawn(|| {
            // SAFETY: setsid(2) has no arguments.
            unsafe { libc::setsid() };
        }),
        "spawn-holding-pipe" => {
            let ms = number(&word());
            child(|| {
                nap(ms);
                line("late");
                0
            });
        }
        "chunk" => chunk(1, &word()),
        "chunk-err" => chunk(2, &word()),
        "spew" => emit(1, &pattern::bytes(count(&word()))),
        "spew-err" => emit(2, &pattern::bytes(count(&word()))),
        "cat" => cat(),
        "accept-stdin" => accept_stdin(),
        "listener" => return Some(crate::listener::run(&word(), &word())),
        "exec" => exec(words.collect()),
        other => return facts(other, words),
    }
    None
}

fn facts(verb: &str, words: &mut std::vec::IntoIter<String>) -> Option<i32> {
    let mut word = || words.next().unwrap_or_else(|| die(&format!("{verb} needs an argument")));
    // SAFETY: these calls take integers or nothing and cannot fail.
    let (pid, ppid, pgid, sid) =
        unsafe { (libc::getpid(), libc::getppid(), libc::getpgrp(), libc::getsid(0)) };
    match verb {
        "sigconf" => sigconf(),
        "fds" => fds(),
        "env" => environment().iter().for_each(|v| line(v)),
        "env-of" => {
            let name = format!("{}=", word());
            let value = environment().into_iter().find_map(|v| v.strip_prefix(&name).map(str::to_string));
            line(&value.unwrap_or_else(|| "unset".into()));
        }
        "cwd" => line(&std::env::current_dir().map_or_else(|e| format!("{e}"), |d| d.display().to_string())),
        "ids" => ids(),
        "pgid" => line(&format!("pid {pid} pgid {pgid} sid {sid} leader {}", pid == pgid)),
        "pid" => line(&format!("pid {pid}")),
        "ppid" => line(&format!("ppid {ppid}")),
        "umask" => line(&format!("umask {:03o}", umask())),
        "umask-set" => set_umask(&word()),
        "nofile" => line(&format!("nofile {}", nofile().0)),
        "args" => line(&format!("{:?}", words.collect::<Vec<_>>())),
        "tty" => tty(),
        "fdflags" => {
            let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", word())).unwrap_or_default();
            line(info.lines().find(|l| l.starts_with("flags:")).unwrap_or("flags: none"));
        }
        "touch" => drop(std::fs::File::create(word())),
        "append" => append(&word(), &word()),
        "stamp" => append(&word(), &format!("{pid} {}", monotonic_ms())),
        "wait-file" => {
            let path = word();
            while !std::path::Path::new(&path).exists() {
                nap(2);
            }
        }
        "notify" => notify(&word()),
        "notify-until" => {
            let (path, ms, text) = (word(), number(&word()), word());
            while !std::path::Path::new(&path).exists() {
                notify(&text);
                nap(ms);
            }
        }
        "exit-from" => return Some(std::fs::read_to_string(word()).map_or(0, |t| number(t.trim()))),
        "close" => word().split(',').for_each(|fd| {
            // SAFETY: close(2) takes an integer; the puppet owns all its descriptors.
            unsafe { libc::close(number(fd)) };
        }),
        "rlimit-nofile" => set_nofile(&word()),
        "rlimit-nproc" => set_limit(verb, Resource::RLIMIT_NPROC, &word()),
        "rlimit-core" => set_limit(verb, Resource::RLIMIT_CORE, &word()),
        "limits" => limits(),
        "chroot" => check(verb, nix::unistd::chroot(word().as_str()).and_then(|()| nix::unistd::chdir("/"))),
        "chdir" => check(verb, nix::unistd::chdir(word().as_str())),
        "setids" => setids(number(&word()), number(&word())),
        "no-new-privs" => prctl(libc::PR_SET_NO_NEW_PRIVS),
        "subreaper" => prctl(libc::PR_SET_CHILD_SUBREAPER),
        "unmount" => {
            check(verb, nix::mount::umount2(word().as_str(), nix::mount::MntFlags::MNT_DETACH));
        }
        "cap-bound" => crate::caps::bound(&word()),
        "rights" => line(&crate::caps::rights()),
        "cap-drop" => crate::caps::drop_own(&word()),
        "setsid" => check(verb, nix::unistd::setsid().map(drop)),
        other => die(&format!("no such verb: {other}")),
    }
    None
}

pub(crate) fn die(text: &str) -> ! {
    emit(2, format!("puppet: {text}\n").as_bytes());
    std::process::exit(99)
}

fn notify(text: &str) {
    crate::notify::say(text).unwrap_or_else(|why| die(&why));
}

fn check(what: &str, result: Result<(), nix::Error>) {
    if let Err(e) = result {
        die(&format!("{what}: {e}"));
    }
}

/// Writes all of it; gives up silently when nobody reads.
fn emit(fd: i32, mut data: &[u8]) {
    while !data.is_empty() {
        // SAFETY: the pointer and the length are those of the slice.
        let n = unsafe { libc::write(fd, data.as_ptr().cast(), data.len()) };
        match usize::try_from(n) {
            Ok(n) => data = &data[n..],
            Err(_) if nix::errno::Errno::last() == nix::errno::Errno::EINTR => {}
            Err(_) => return,
        }
    }
}

/// One piece that the reader of the pipe cannot get together with the next.
fn chunk(fd: i32, path: &str) {
    emit(fd, &std::fs::read(path).unwrap_or_else(|e| die(&format!("cannot read {path}: {e}"))));
    let mut unread: i32 = 1;
    while unread > 0 {
        // SAFETY: FIONREAD stores one int; a pipe answers at both ends.
        check(
            "ask the pipe",
            nix::errno::Errno::result(unsafe { libc::ioctl(fd, libc::FIONREAD, &raw mut unread) }).map(drop),
        );
        if unread > 0 {
            nap(1);
        }
    }
}

fn line(text: &str) {
    emit(1, format!("{text}\n").as_bytes());
}

pub(crate) fn number(text: &str) -> i32 {
    text.parse().unwrap_or_else(|_| die(&format!("not a number: {text}")))
}

fn count(text: &str) -> usize {
    text.parse().unwrap_or_else(|_| die(&format!("not a count: {text}")))
}

fn nap(ms: i32) {
    let mut left = libc::timespec { tv_sec: i64::from(ms / 1000), tv_nsec: i64::from(ms % 1000) * 1_000_000 };
    let left = &raw mut left;
    // SAFETY: both pointers are to one valid timespec; the kernel leaves in it what an interruption left over.
    while unsafe { libc::nanosleep(left, left) } != 0 {}
}

fn monotonic_ms() -> i64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a valid timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut t) };
    t.tv_sec * 1000 + t.tv_nsec / 1_000_000
}

/// `TERM,SIGINT,RTMIN+2,40` or `all`.
fn signals(text: &str) -> Vec<i32> {
    if text == "all" {
        return (1..=64).filter(|s| ![9, 19, 32, 33].contains(s)).collect();
    }
    text.split(',').map(signal).collect()
}

/// A signal by number or name.
fn signal(text: &str) -> i32 {
    if let Ok(n) = text.parse() {
        return n;
    }
    if let Some(n) = text.strip_prefix("RTMIN+") {
        return 34 + number(n);
    }
    let name = if text.starts_with("SIG") { text.to_string() } else { format!("SIG{text}") };
    name.parse::<nix::sys::signal::Signal>()
        .map_or_else(|_| die(&format!("no such signal: {text}")), |s| s as i32)
}

fn dispose(signal: i32, to: libc::sighandler_t) {
    // SAFETY: the disposition is SIG_IGN or SIG_DFL; no handler of ours is involved.
    unsafe { libc::signal(signal, to) };
}

fn set_of(signals: &[i32]) -> libc::sigset_t {
    // SAFETY: sigset_t is plain data; sigemptyset makes it valid; sigaddset refuses numbers it does not know.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for s in signals {
            libc::sigaddset(&raw mut set, *s);
        }
        set
    }
}

fn mask(how: i32, signals: &[i32]) {
    let set = set_of(signals);
    // SAFETY: the set is valid; the old one is not asked for.
    unsafe { libc::sigprocmask(how, &raw const set, std::ptr::null_mut()) };
}

static EXITS: [std::sync::atomic::AtomicI32; 65] = [const { std::sync::atomic::AtomicI32::new(0) }; 65];

extern "C" fn leave(signal: i32) {
    let tens = [b'g', b'o', b't', b' ', b'0' + (signal / 10) as u8, b'0' + (signal % 10) as u8, b'\n'];
    let code = EXITS[signal as usize].load(std::sync::atomic::Ordering::Relaxed);
    // SAFETY: write(2) and _exit(2) are async-signal-safe.
    unsafe {
        libc::write(1, tens.as_ptr().cast(), tens.len());
        libc::_exit(code)
    }
}

fn on_signal(name: &str, code: i32) {
    let number = signal(name);
    EXITS[number as usize].store(code, std::sync::atomic::Ordering::Relaxed);
    dispose(number, leave as *const () as libc::sighandler_t);
}

fn print_signals() -> ! {
    let all = signals("all");
    mask(libc::SIG_BLOCK, &all);
    let set = set_of(&all);
    line("ready");
    loop {
        let mut got = 0;
        // SAFETY: both pointers are to valid data.
        if unsafe { libc::sigwait(&raw const set, &raw mut got) } == 0 {
            line(&got.to_string());
        }
    }
}

fn crash(signal: i32) {
    dispose(signal, libc::SIG_DFL);
    mask(libc::SIG_UNBLOCK, &[signal]);
    // SAFETY: kill(2) of ourselves.
    unsafe { libc::kill(libc::getpid(), signal) };
    nap(1000);
}

/// Forks; the child does its part and leaves. The puppet has one thread, so the child may do anything.
fn child(part: impl FnOnce() -> i32) -> i32 {
    // SAFETY: there is no other thread whose locks could be held.
    match unsafe { libc::fork() } {
        -1 => die("cannot fork"),
        0 => {
            let code = part();
            // SAFETY: ends the process without running the parent's exit handlers.
            unsafe { libc::_exit(code) }
        }
        pid => pid,
    }
}

fn spawn(prepare: impl FnOnce()) {
    let pid = child(|| {
        prepare();
        line("holding");
        loop {
            // SAFETY: pause(2) has no arguments.
            unsafe { libc::pause() };
        }
    });
    line(&format!("child {pid}"));
}

/// Page after page, so that every one of them is really there.
fn eat(mebibytes: i32) {
    for _ in 0..mebibytes {
        let mut block = vec![0u8; 1 << 20];
        block.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
        std::hint::black_box(&mut block);
        std::mem::forget(block);
    }
}

/// Children until there is no room for more, again and again.
fn hog(ms: i32) {
    let until = monotonic_ms() + i64::from(ms);
    let mut is_full = false;
    while monotonic_ms() < until {
        // SAFETY: there is no other thread; the child only waits.
        match unsafe { libc::fork() } {
            0 => {
                // SAFETY: the option takes a signal; then nothing but waiting for it.
                unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) };
                let _ = perform("hold", &mut Vec::new().into_iter());
            }
            -1 => {
                if !is_full {
                    line("full");
                }
                is_full = true;
                nap(1);
            }
            _ => {}
        }
    }
}

fn fork_orphans(n: i32) {
    let mut made = 0;
    while made < n {
        // A middle process forks a batch and dies at once: its children are orphans.
        let batch = (n - made).min(200);
        let middle = child(|| {
            for _ in 0..batch {
                child(|| 0);
            }
            0
        });
        // SAFETY: waits for the middle process, which is our child.
        unsafe { libc::waitpid(middle, std::ptr::null_mut(), 0) };
        made += batch;
    }
    line(&format!("orphans {n}"));
}

fn sigconf() {
    if let Ok(text) = std::fs::read_to_string("/proc/self/status") {
        for name in ["SigBlk:", "SigIgn:", "SigCgt:"] {
            text.lines().filter(|l| l.starts_with(name)).for_each(|l| line(&l.replace('\t', " ")));
        }
        return;
    }
    let (mut blocked, mut ignored) = (0u64, 0u64);
    // SAFETY: the sets and actions are valid plain data; nothing is changed.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigprocmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut set);
        for s in 1..=64 {
            let mut action: libc::sigaction = std::mem::zeroed();
            if libc::sigismember(&raw const set, s) == 1 {
                blocked |= 1 << (s - 1);
            }
            if libc::sigaction(s, std::ptr::null(), &raw mut action) == 0
                && action.sa_sigaction == libc::SIG_IGN
            {
                ignored |= 1 << (s - 1);
            }
        }
    }
    line(&format!("SigBlk: {blocked:016x}"));
    line(&format!("SigIgn: {ignored:016x}"));
}

fn fds() {
    for fd in 0..1024 {
        // SAFETY: fcntl(F_GETFD) changes nothing; a closed descriptor gives -1.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1 {
            continue;
        }
        let what = std::fs::read_link(format!("/proc/self/fd/{fd}"))
            .map_or_else(|_| "?".into(), |p| p.display().to_string());
        line(&format!("fd {fd} {what}"));
    }
}

fn environment() -> Vec<String> {
    let mut vars: Vec<String> = std::env::vars_os()
        .map(|(n, v)| format!("{}={}", n.to_string_lossy(), v.to_string_lossy().replace('\n', "\\n")))
        .filter(|v| !v.starts_with("HARNESS_ID="))
        .collect();
    vars.sort();
    vars
}

fn ids() {
    use nix::unistd::{getegid, geteuid, getgid, getuid};
    let mut list = [0; 64];
    // SAFETY: the kernel writes at most 64 numbers.
    let n = unsafe { libc::getgroups(64, list.as_mut_ptr()) };
    let mut groups = list[..usize::try_from(n).unwrap_or(0)].to_vec();
    groups.sort_unstable();
    line(&format!("uid {} {} gid {} {} groups {groups:?}", getuid(), geteuid(), getgid(), getegid()));
}

fn umask() -> u32 {
    // SAFETY: umask(2) cannot fail; the second call puts the value back.
    unsafe {
        let old = libc::umask(0);
        libc::umask(old);
        old
    }
}

fn set_umask(text: &str) {
    let bits = u32::from_str_radix(text, 8).unwrap_or_else(|_| die("not octal"));
    // SAFETY: umask(2) cannot fail.
    unsafe { libc::umask(bits) };
}

fn nofile() -> (u64, u64) {
    nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).unwrap_or((0, 0))
}

fn set_nofile(text: &str) {
    let hard = nofile().1;
    let n = if text == "max" { hard } else { text.parse().unwrap_or_else(|_| die("not a number")) };
    check("rlimit-nofile", nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE, n, n));
}

fn set_limit(verb: &str, which: Resource, text: &str) {
    let n = text.parse().unwrap_or_else(|_| die("not a number"));
    check(verb, nix::sys::resource::setrlimit(which, n, n));
}

fn limits() {
    for (name, which) in [("nofile", Resource::RLIMIT_NOFILE), ("nproc", Resource::RLIMIT_NPROC)] {
        let (soft, hard) = nix::sys::resource::getrlimit(which).unwrap_or((0, 0));
        let shown = |n: u64| if n == libc::RLIM_INFINITY { "-1".to_string() } else { n.to_string() };
        line(&format!("{name} {} {}", shown(soft), shown(hard)));
    }
}

fn setids(uid: i32, gid: i32) {
    let (uid, gid) = (uid as u32, gid as u32);
    check("setgroups", nix::unistd::setgroups(&[]));
    check("setgid", nix::unistd::setgid(gid.into()));
    check("setuid", nix::unistd::setuid(uid.into()));
}

fn prctl(what: i32) {
    // SAFETY: both options take one integer and three zeros.
    if unsafe { libc::prctl(what, 1, 0, 0, 0) } != 0 {
        die("prctl");
    }
}

fn tty() {
    // SAFETY: these calls take integers.
    let (is, front, own) = unsafe { (libc::isatty(0), libc::tcgetpgrp(0), libc::getpgrp()) };
    line(match (is, front == own) {
        (1, true) => "tty foreground",
        (1, false) => "tty background",
        _ => "no tty",
    });
}

fn append(path: &str, text: &str) {
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
    match file {
        Ok(mut f) => drop(f.write_all(format!("{text}\n").as_bytes())),
        Err(e) => die(&format!("cannot open {path}: {e}")),
    }
}

fn cat() {
    let mut buffer = [0; 4096];
    while let Ok(n @ 1..) = std::io::stdin().read(&mut buffer) {
        emit(1, &buffer[..n]);
    }
}

/// As a FastCGI program does: the connections come by the socket at descriptor 0.
fn accept_stdin() -> ! {
    loop {
        // SAFETY: accept(2) without an address; a failure gives -1.
        let peer = unsafe { libc::accept(0, std::ptr::null_mut(), std::ptr::null_mut()) };
        if peer < 0 {
            die("stdin does not accept");
        }
        let mut buffer = [0u8; 256];
        // SAFETY: the pointer and the length are those of the buffer.
        let n = unsafe { libc::read(peer, buffer.as_mut_ptr().cast(), buffer.len()) };
        let got = String::from_utf8_lossy(&buffer[..usize::try_from(n).unwrap_or(0)]).into_owned();
        emit(peer, format!("pid {} got {got}", std::process::id()).as_bytes());
        // SAFETY: closes what accept has just given us.
        unsafe { libc::close(peer) };
    }
}

/// By execvp(3) itself: std's `exec` would clear the signal mask that a launcher has just set.
fn exec(words: Vec<String>) -> ! {
    let words: Vec<_> = words.into_iter().filter_map(|w| std::ffi::CString::new(w).ok()).collect();
    let Err(error) = nix::unistd::execvp(&words[0], &words);
    die(&format!("cannot execute {:?}: {error}", words[0]))
}
