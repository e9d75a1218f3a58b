//! Descriptors: pipes, duplicates, opening, reading and writing without blocking.
//!
//! Asks the kernel. Invariant: what is made here is close-on-exec, and 0, 1 and 2 are always open.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::libc;
use nix::sys::stat::Mode;
use nix::unistd::pipe2;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

/// Closes everything from `first` on. Quietly does nothing where the kernel is too old (before 5.9) or forbids it.
pub fn close_from(first: u32) {
    // SAFETY: called at boot, before any of these descriptors has an owner in this process.
    unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) };
}

/// Makes sure that 0, 1 and 2 are open, so that no descriptor of ours can land there by chance.
/// Where there is no /dev/null a pipe without a reader or writer stands in.
pub fn ensure_standard() {
    for n in 0..3 {
        // SAFETY: F_GETFD only asks.
        if unsafe { libc::fcntl(n, libc::F_GETFD) } >= 0 {
            continue;
        }
        let opened = null().or_else(|_| pipe2(OFlag::empty()).map(|(r, w)| if n == 0 { r } else { w }));
        if let Ok(fd) = opened {
            if fd.as_raw_fd() != n {
                // SAFETY: both are numbers of descriptors; `n` was closed a moment ago.
                unsafe { libc::dup2(fd.as_raw_fd(), n) };
            } else {
                // It must survive: it now is the standard descriptor, inherited as such.
                // SAFETY: F_SETFD changes a flag only.
                unsafe { libc::fcntl(n, libc::F_SETFD, 0) };
                std::mem::forget(fd);
            }
        }
    }
}

/// Opens /dev/null for reading and writing.
///
/// # Errors
/// Where there is no /dev.
pub fn null() -> Result<OwnedFd, Errno> {
    open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())
}

/// A pipe; both ends close-on-exec, the end named first is ours to read without blocking.
///
/// # Errors
/// EMFILE, ENFILE.
pub fn pipe_for_reading() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
    set_nonblocking(read.as_fd())?;
    Ok((read, write))
}

/// A pipe whose write end is ours to write without blocking.
///
/// # Errors
/// EMFILE, ENFILE.
pub fn pipe_for_writing() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
    set_nonblocking(write.as_fd())?;
    Ok((read, write))
}

/// Sets O_NONBLOCK on the open file description: only for descriptions that nobody else holds.
///
/// # Errors
/// EBADF.
pub fn set_nonblocking(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).map(|_| ())
}

/// Asks for a larger pipe; a refusal (the user's quota is used up) is no error.
pub fn grow_pipe(fd: BorrowedFd<'_>, bytes: i32) -> bool {
    fcntl(fd, FcntlArg::F_SETPIPE_SZ(bytes)).is_ok()
}

/// A close-on-exec duplicate of one of our standard descriptors, numbered 3 or more.
///
/// # Errors
/// EBADF when it is not open, EMFILE.
pub fn duplicate(n: RawFd) -> Result<OwnedFd, Errno> {
    // SAFETY: F_DUPFD_CLOEXEC takes a number and makes a new descriptor.
    let fd = unsafe { libc::fcntl(n, libc::F_DUPFD_CLOEXEC, 3) };
    let fd = Errno::result(fd)?;
    // SAFETY: the kernel has just given us `fd`; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A close-on-exec duplicate numbered `lowest` or more.
///
/// # Errors
/// EMFILE.
pub fn duplicate_above(fd: BorrowedFd<'_>, lowest: RawFd) -> Result<OwnedFd, Errno> {
    let number = fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(lowest))?;
    // SAFETY: the kernel has just given us `number`; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// An open file description of our own on what descriptor `n` is, so that O_NONBLOCK disturbs nobody else.
///
/// # Errors
/// Where there is no /proc, or the thing cannot be opened by path (a socket, a file we may not open).
pub fn reopen_nonblocking(n: RawFd) -> Result<OwnedFd, Errno> {
    let path = format!("/proc/self/fd/{n}");
    let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
    open(path.as_str(), flags, Mode::empty())
}

/// What a descriptor is, as far as logging cares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FdKind {
    Regular,
    Pipe,
    Socket,
    Terminal,
    Other,
}

/// Looks at an open descriptor.
#[must_use]
pub fn kind(fd: BorrowedFd<'_>) -> FdKind {
    use nix::sys::stat::{SFlag, fstat};
    let Ok(stat) = fstat(fd) else { return FdKind::Other };
    match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFREG => FdKind::Regular,
        SFlag::S_IFIFO => FdKind::Pipe,
        SFlag::S_IFSOCK => FdKind::Socket,
        SFlag::S_IFCHR if nix::unistd::isatty(fd).unwrap_or(false) => FdKind::Terminal,
        _ => FdKind::Other,
    }
}

/// Opens a log file for appending, created with the usual mode.
///
/// # Errors
/// Whatever open says. Does not block on a fifo without a reader: ENXIO.
pub fn open_append(path: &Path, mode: u32) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_WRONLY
        | OFlag::O_CREAT
        | OFlag::O_APPEND
        | OFlag::O_CLOEXEC
        | OFlag::O_NONBLOCK
        | OFlag::O_NOCTTY;
    open(path, flags, Mode::from_bits_truncate(mode))
}

/// Opens a log file for reading, if it is one: a regular file, or /dev/null. Nothing else is opened, since that alone may
/// do something to a fifo or a device.
///
/// # Errors
/// EINVAL for anything else; whatever stat and open say.
pub fn open_log(path: &Path) -> Result<OwnedFd, Errno> {
    use nix::sys::stat::{SFlag, fstat, makedev, stat};
    let is_log = |s: &nix::sys::stat::FileStat| match SFlag::from_bits_truncate(s.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFREG => true,
        SFlag::S_IFCHR => s.st_rdev == makedev(1, 3),
        _ => false,
    };
    if !is_log(&stat(path)?) {
        return Err(Errno::EINVAL);
    }
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file = open(path, flags, Mode::empty())?;
    // RACE: it may have been replaced since.
    if is_log(&fstat(&file)?) { Ok(file) } else { Err(Errno::EINVAL) }
}

/// Replaces the content of a small file. Does not wait for the reader of a fifo.
///
/// # Errors
/// Whatever open and write say.
pub fn write_file(path: &Path, text: &str) -> Result<(), Errno> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    let file = open(path, flags, Mode::from_bits_truncate(0o644))?;
    write_some(file.as_fd(), text.as_bytes()).map(|_| ())
}

/// Makes a directory and those above it that are missing, with mode 0755; what is made belongs to `owner`.
///
/// # Errors
/// The directory that could not be made, and why.
pub fn make_directories(dir: &Path, owner: Option<(u32, u32)>) -> Result<(), (PathBuf, Errno)> {
    use nix::unistd::{Gid, Uid, fchown, mkdir};
    if dir.as_os_str().is_empty() || dir.is_dir() {
        return Ok(());
    }
    if let Some(above) = dir.parent() {
        make_directories(above, owner)?;
    }
    match mkdir(dir, Mode::from_bits_truncate(0o755)) {
        Ok(()) => {}
        // Somebody was faster, or something else has the name.
        Err(Errno::EEXIST) if dir.is_dir() => return Ok(()),
        Err(Errno::EEXIST) => return Err((dir.to_path_buf(), Errno::ENOTDIR)),
        Err(e) => return Err((dir.to_path_buf(), e)),
    }
    let Some((uid, gid)) = owner else { return Ok(()) };
    // RACE: whoever owns the directory above may have put a link in its place.
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let made = open(dir, flags, Mode::empty()).and_then(|made| {
        let is_ours = nix::sys::stat::fstat(&made)?.st_uid == nix::unistd::geteuid().as_raw();
        if !is_ours {
            return Err(Errno::EEXIST);
        }
        fchown(&made, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
    });
    made.map_err(|e| (dir.to_path_buf(), e))
}

/// An O_PATH descriptor of our own binary, to start ourselves again wherever it has gone since.
#[must_use]
pub fn own_binary() -> Option<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
    if let Ok(fd) = open("/proc/self/exe", flags, Mode::empty()) {
        return Some(fd);
    }
    let name = super::boot::exec_name()?;
    open(name.as_os_str(), flags, Mode::empty()).ok()
}

/// Reads what is there; `None` when nothing is there yet.
///
/// # Errors
/// EIO and the like.
pub fn read_some(fd: BorrowedFd<'_>, into: &mut [u8]) -> Result<Option<usize>, Errno> {
    loop {
        match nix::unistd::read(fd, into) {
            Ok(n) => return Ok(Some(n)),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Ok(None),
            Err(e) => return Err(e),
        }
    }
}

/// Writes what fits; `None` when nothing fits now.
///
/// # Errors
/// ENOSPC, EPIPE, EIO and the like.
pub fn write_some(fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<Option<usize>, Errno> {
    loop {
        match nix::unistd::write(fd, bytes) {
            Ok(n) => return Ok(Some(n)),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Ok(None),
            Err(e) => return Err(e),
        }
    }
}

/// The working directory, to be entered again.
///
/// # Errors
/// EACCES when we could not.
pub fn working_directory() -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    open(".", flags, Mode::empty())
}

/// Makes an opened directory the working directory, wherever it is by now.
///
/// # Errors
/// EACCES.
pub fn enter(dir: BorrowedFd<'_>) -> Result<(), Errno> {
    nix::unistd::fchdir(dir)
}

/// Where the last write to a file ended; 0 where there are no positions.
#[must_use]
pub fn position(fd: BorrowedFd<'_>) -> u64 {
    let at = nix::unistd::lseek(fd, 0, nix::unistd::Whence::SeekCur);
    at.ok().and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
}

/// Writes what fits without blocking, whatever the mode of the open file description. `None` when nothing fits now.
///
/// # Errors
/// EOPNOTSUPP where this kind of file cannot promise that on this kernel; ENOSPC, EPIPE, EIO and the like.
pub fn write_nowait(fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<Option<usize>, Errno> {
    let piece = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    loop {
        // SAFETY: one live slice, which is only read; -1 means the present position, as for any stream.
        let n = unsafe { libc::pwritev2(fd.as_raw_fd(), &raw const piece, 1, -1, libc::RWF_NOWAIT) };
        match Errno::result(n) {
            Ok(n) => return Ok(Some(n.unsigned_abs())),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Ok(None),
            Err(e) => return Err(e),
        }
    }
}

/// Writes to descriptor 2 whatever happens, for the last words of a dying process.
pub fn last_words(text: &str) {
    // SAFETY: a live buffer and its length; the result does not matter any more.
    unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
}

/// Whether a write would be taken at once.
#[must_use]
pub fn is_writable(fd: BorrowedFd<'_>) -> bool {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let mut fds = [PollFd::new(fd, PollFlags::POLLOUT)];
    matches!(poll(&mut fds, PollTimeout::ZERO), Ok(n) if n > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_made_and_what_stands_in_the_way_is_named() {
        let base = std::env::temp_dir().join(format!("mainstay-mkdir-{}", std::process::id()));
        assert_eq!(make_directories(&base.join("a/b"), None), Ok(()));
        assert_eq!(make_directories(&base.join("a/b"), None), Ok(()), "again");
        std::fs::write(base.join("file"), "").expect("ours");
        assert_eq!(make_directories(&base.join("file/x/y"), None), Err((base.join("file"), Errno::ENOTDIR)));
        assert!(base.join("a/b").is_dir());
        std::fs::remove_dir_all(&base).expect("ours");
    }
}
