//! Opens files that somebody else may put something in the place of.
//!
//! Asks the kernel. Invariant: nothing here waits for a reader, a writer or a device. Not here: log files (`fd`).

use nix::libc;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Opens a regular file for reading.
///
/// RACE: what was a file a moment ago may be a fifo now, so it is opened first, without waiting, and looked at then.
///
/// # Errors
/// Whatever open says; that it is no regular file.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::other("it is not a regular file"))
}

#[cfg(test)]
mod tests {
    use super::open_regular;
    use std::path::Path;

    #[test]
    fn a_fifo_a_directory_and_a_device_are_refused_at_once() {
        let fifo = std::env::temp_dir().join(format!("mainstay-fifo-{}", std::process::id()));
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a fifo");
        let opened =
            [fifo.as_path(), Path::new("/"), Path::new("/dev/zero")].map(|p| open_regular(p).is_ok());
        std::fs::remove_file(&fifo).expect("it is ours");
        assert_eq!(opened, [false; 3]);
        assert!(open_regular(Path::new("/proc/self/stat")).is_ok());
    }
}
