//! Names of error numbers, as Supervisor writes them into logs: `ENOENT`.
//!
//! Pure. The names come without allocation, because a forked child uses them too.

use nix::errno::Errno;

/// Every number a failed spawn or a listener can meet, with its name.
const NAMES: &[(Errno, &str)] = &[
    (Errno::EPERM, "EPERM"),
    (Errno::ENOENT, "ENOENT"),
    (Errno::ESRCH, "ESRCH"),
    (Errno::EINTR, "EINTR"),
    (Errno::EIO, "EIO"),
    (Errno::ENXIO, "ENXIO"),
    (Errno::E2BIG, "E2BIG"),
    (Errno::ENOEXEC, "ENOEXEC"),
    (Errno::EBADF, "EBADF"),
    (Errno::ECHILD, "ECHILD"),
    (Errno::EAGAIN, "EAGAIN"),
    (Errno::ENOMEM, "ENOMEM"),
    (Errno::EACCES, "EACCES"),
    (Errno::EFAULT, "EFAULT"),
    (Errno::EBUSY, "EBUSY"),
    (Errno::EEXIST, "EEXIST"),
    (Errno::ENODEV, "ENODEV"),
    (Errno::ENOTDIR, "ENOTDIR"),
    (Errno::EISDIR, "EISDIR"),
    (Errno::EINVAL, "EINVAL"),
    (Errno::ENFILE, "ENFILE"),
    (Errno::EMFILE, "EMFILE"),
    (Errno::ENOTTY, "ENOTTY"),
    (Errno::ETXTBSY, "ETXTBSY"),
    (Errno::EFBIG, "EFBIG"),
    (Errno::ENOSPC, "ENOSPC"),
    (Errno::ESPIPE, "ESPIPE"),
    (Errno::EROFS, "EROFS"),
    (Errno::EPIPE, "EPIPE"),
    (Errno::ENAMETOOLONG, "ENAMETOOLONG"),
    (Errno::ENOSYS, "ENOSYS"),
    (Errno::ELOOP, "ELOOP"),
    (Errno::ELIBBAD, "ELIBBAD"),
    (Errno::EAFNOSUPPORT, "EAFNOSUPPORT"),
    (Errno::EADDRINUSE, "EADDRINUSE"),
    (Errno::EADDRNOTAVAIL, "EADDRNOTAVAIL"),
    (Errno::EDQUOT, "EDQUOT"),
    (Errno::ESTALE, "ESTALE"),
];

/// `ENOENT` and so on; `EUNKNOWN` for what is not listed.
#[must_use]
pub fn name(errno: i32) -> &'static str {
    NAMES.iter().find(|(e, _)| *e as i32 == errno).map_or("EUNKNOWN", |(_, n)| n)
}

/// The operating system's words: `No such file or directory`.
#[must_use]
pub fn words(errno: i32) -> &'static str {
    Errno::from_raw(errno).desc()
}

/// The number inside an I/O error, 0 where there is none.
#[must_use]
pub fn of(error: &std::io::Error) -> i32 {
    error.raw_os_error().unwrap_or(0)
}
