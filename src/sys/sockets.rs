//! Listening sockets and the socket pair to the gateway.
//!
//! Asks the kernel. Invariants: close-on-exec; a socket file is private until it has its final owner and mode, which only
//! our own socket is given, never what somebody has put in its place; a live server's socket file is never taken away, but for a program's own socket, which is the program's to take.
//! Not here: what is served (`gateway`), who shares a program's socket (`daemon::fcgi`).

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open};
use nix::libc;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, UnixAddr, bind, connect, setsockopt, socket,
    socketpair, sockopt,
};
use nix::sys::stat::{FchmodatFlags, FileStat, Mode, SFlag, fchmodat, fstat, lstat, umask};
use nix::unistd::{Gid, Uid, fchownat, geteuid, unlink};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

/// BOUND: connections that wait for the gateway, as Supervisor has it.
const BACKLOG: i32 = 1024;

/// A connected pair: ours does not block, the other end does.
///
/// # Errors
/// EMFILE.
pub fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)?;
    super::fd::set_nonblocking(ours.as_fd())?;
    Ok((ours, theirs))
}

/// As many waiting connections as the kernel allows.
pub const MOST: i32 = libc::SOMAXCONN;

/// Listens on a TCP address for the gateway.
///
/// # Errors
/// EADDRINUSE, EACCES (a low port), EADDRNOTAVAIL.
pub fn listen_tcp(address: SocketAddr) -> Result<OwnedFd, Errno> {
    listen_tcp_for(address, BACKLOG)
}

/// Listens on a TCP address; so many connections may wait.
///
/// # Errors
/// EADDRINUSE, EACCES (a low port), EADDRNOTAVAIL.
pub fn listen_tcp_for(address: SocketAddr, backlog: i32) -> Result<OwnedFd, Errno> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let fd = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&fd, sockopt::ReuseAddr, &true)?;
    match address {
        SocketAddr::V4(v4) => bind(fd.as_raw_fd(), &SockaddrIn::from(v4))?,
        SocketAddr::V6(v6) => bind(fd.as_raw_fd(), &SockaddrIn6::from(v6))?,
    }
    listen_for(&fd, backlog)?;
    Ok(fd)
}

/// Not by nix, which knows a lower limit than the kernel.
fn listen_for(fd: &OwnedFd, backlog: i32) -> Result<(), Errno> {
    // SAFETY: a system call on numbers.
    Errno::result(unsafe { libc::listen(fd.as_raw_fd(), backlog) }).map(drop)
}

/// Listens on the socket file of a program.
///
/// COMPAT: what is there already is taken away, also from one who listens: most often that is what a killed daemon has
/// left running. Unlike Supervisor we do so only with sockets and links, and never with a file that holds something.
///
/// # Errors
/// What could not be done, for Supervisor's sentence, and why. Nothing is left at the path then.
pub fn listen_unix_for(
    path: &Path,
    mode: u32,
    owner: Option<(u32, u32)>,
    backlog: i32,
) -> Result<OwnedFd, (&'static str, Errno)> {
    let plain = |e| ("", e);
    if std::fs::symlink_metadata(path).is_ok_and(|m| is_socket(&m) || m.is_symlink()) {
        unlink(path).map_err(plain)?;
    }
    let address = UnixAddr::new(path).map_err(plain)?;
    let fd = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).map_err(plain)?;
    bind_privately(&fd, &address).map_err(plain)?;
    let listening = give_away(path, mode, owner).and_then(|()| listen_for(&fd, backlog).map_err(plain));
    listening.inspect_err(|_| {
        let _ = unlink(path); // the first error is the one to tell
    })?;
    Ok(fd)
}

/// RACE: between bind and chmod a socket file has the umask's mode, so let that be private.
fn bind_privately(fd: &OwnedFd, address: &UnixAddr) -> Result<(), Errno> {
    let old = umask(Mode::from_bits_truncate(0o177));
    let bound = bind(fd.as_raw_fd(), address);
    umask(old);
    bound
}

/// Gives a socket file that we have just made its owner and mode.
fn give_away(path: &Path, mode: u32, owner: Option<(u32, u32)>) -> Result<(), (&'static str, Errno)> {
    let is_ours = |found: &FileStat| found.st_uid == geteuid().as_raw();
    change_file(path, mode, owner, &is_ours)
}

/// Changes the file of a socket that is listened on.
///
/// # Errors
/// EPERM when it is not ours to change, EEXIST when something else lies there by now.
pub fn set_owner_and_mode(
    path: &Path,
    id: FileId,
    mode: u32,
    owner: Option<(u32, u32)>,
) -> Result<(), Errno> {
    let is_it = |found: &FileStat| FileId::of(found) == id;
    change_file(path, mode, owner, &is_it).map_err(|(_, e)| e)
}

/// RACE: who may write to the directory may put something else in the place of the file, a link to one of ours, say. So
/// it is opened without following, looked at, and changed by that descriptor.
fn change_file(
    path: &Path,
    mode: u32,
    owner: Option<(u32, u32)>,
    is_ours: &dyn Fn(&FileStat) -> bool,
) -> Result<(), (&'static str, Errno)> {
    const CHMOD: &str = "Could not change permissions of socket file: ";
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let file = open(path, flags, Mode::empty()).map_err(|e| (CHMOD, e))?;
    let found = fstat(&file).map_err(|e| (CHMOD, e))?;
    if !is_socket_file(&found) || !is_ours(&found) {
        return Err((CHMOD, Errno::EEXIST));
    }
    // Before the owner: afterwards it may not be ours to change. Without /proc there is no way by the descriptor.
    let by_number = format!("/proc/self/fd/{}", file.as_raw_fd());
    let (mode, follow) = (Mode::from_bits_truncate(mode), FchmodatFlags::FollowSymlink);
    let changed = match fchmodat(nix::fcntl::AT_FDCWD, by_number.as_str(), mode, follow) {
        Err(Errno::ENOENT | Errno::ENOTDIR) => fchmodat(nix::fcntl::AT_FDCWD, path, mode, follow),
        other => other,
    };
    changed.map_err(|e| (CHMOD, e))?;
    let Some((uid, gid)) = owner else { return Ok(()) };
    let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
    fchownat(&file, "", uid, gid, AtFlags::AT_EMPTY_PATH)
        .map_err(|e| ("Could not change ownership of socket file: ", e))
}

/// Listens on a socket file. One left over from a dead server is replaced, a live server's is not.
///
/// # Errors
/// EADDRINUSE when a server answers there, or the path is something else than a socket; EACCES, EROFS, ENOENT.
pub fn listen_unix(path: &Path, mode: u32, owner: Option<(u32, u32)>) -> Result<OwnedFd, Errno> {
    let address = UnixAddr::new(path)?;
    let fd = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    let mut bound = bind_privately(&fd, &address);
    if bound == Err(Errno::EADDRINUSE) && is_stale(path, &address) {
        bound = unlink(path).and_then(|()| bind_privately(&fd, &address));
    }
    bound?;
    let listening = give_away(path, mode, owner).map_err(|(_, e)| e).and_then(|()| listen_for(&fd, BACKLOG));
    listening.inspect_err(|_| {
        let _ = unlink(path); // the first error is the one to tell
    })?;
    Ok(fd)
}

fn is_socket(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    meta.file_type().is_socket()
}

/// A socket file that nobody listens behind.
fn is_stale(path: &Path, address: &UnixAddr) -> bool {
    if !std::fs::symlink_metadata(path).is_ok_and(|m| is_socket(&m)) {
        return false;
    }
    let Ok(probe) =
        socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)
    else {
        return false;
    };
    matches!(connect(probe.as_raw_fd(), address), Err(Errno::ECONNREFUSED))
}

/// Which file it is, whatever is done to its path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileId {
    device: u64,
    inode: u64,
}

/// The socket file that lies at a path now.
#[must_use]
pub fn file_at(path: &Path) -> Option<FileId> {
    let found = lstat(path).ok()?;
    is_socket_file(&found).then(|| FileId::of(&found))
}

/// Whether the path leads to something else by now, or nowhere. Where we may not look it is as it was.
#[must_use]
pub fn is_gone(path: &Path, id: FileId) -> bool {
    match lstat(path) {
        Ok(found) => FileId::of(&found) != id,
        Err(e) => matches!(e, Errno::ENOENT | Errno::ENOTDIR),
    }
}

impl FileId {
    fn of(found: &FileStat) -> FileId {
        FileId { device: found.st_dev, inode: found.st_ino }
    }
}

fn is_socket_file(found: &FileStat) -> bool {
    found.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFSOCK.bits()
}

/// Whether a dead server's file lies at the path, which `listen_unix` would replace.
#[must_use]
pub fn is_left_over(path: &Path) -> bool {
    UnixAddr::new(path).is_ok_and(|address| is_stale(path, &address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::PathBuf;

    /// A directory of this test, empty.
    fn place(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("mst-sockets-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("the directory is ours");
        dir
    }

    #[test]
    fn a_programs_socket_replaces_sockets_and_links_and_nothing_else() {
        let dir = place("replace");
        let path = dir.join("s");
        let old = UnixListener::bind(&path).expect("the path is free");
        let fd = listen_unix_for(&path, 0o640, None, MOST).expect("a live socket is taken over");
        assert_eq!(std::fs::metadata(&path).map(|m| m.mode() & 0o7777).ok(), Some(0o640));
        UnixStream::connect(&path).expect("it listens");
        drop((old, fd));
        UnixStream::connect(&path).expect_err("nobody listens any more");

        std::fs::remove_file(&path).expect("the file stayed");
        std::os::unix::fs::symlink(dir.join("nothing"), &path).expect("the path is free");
        listen_unix_for(&path, 0o700, None, 5).expect("a link is replaced, not followed");
        assert!(!dir.join("nothing").exists());

        std::fs::remove_file(&path).expect("the file stayed");
        std::fs::write(&path, "precious").expect("the path is free");
        assert_eq!(listen_unix_for(&path, 0o700, None, 5).err(), Some(("", Errno::EADDRINUSE)));
        assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), Some("precious"));
        std::fs::remove_dir_all(dir).expect("the directory is ours");
    }

    #[test]
    fn a_socket_that_cannot_be_given_away_leaves_nothing_behind() {
        if crate::sys::boot::is_root() {
            return println!("skipped: root may give everything away");
        }
        let dir = place("owner");
        let path = dir.join("s");
        let refused = listen_unix_for(&path, 0o700, Some((0, 0)), 5).err();
        assert_eq!(refused, Some(("Could not change ownership of socket file: ", Errno::EPERM)));
        assert!(!path.exists());
        std::fs::remove_dir_all(dir).expect("the directory is ours");
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_taken() {
        let there = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = there.local_addr().expect("it is bound");
        assert_eq!(listen_tcp_for(address, 5).err(), Some(Errno::EADDRINUSE));
        drop(there);
        let fd = listen_tcp_for(address, 70_000).expect("nobody is there any more");
        std::net::TcpStream::connect(address).expect("it listens");
        drop(fd);
    }
}
