//! Keeps the allocator of a threaded applet small.
//!
//! Asks libc. Not here: limits of the kernel (`limits`).

/// One arena for all threads, and large blocks given back at once. A new arena for each thread would reserve
/// 64 MiB of address space each, which is what the gateway's address space limit counts.
pub fn keep_small() {
    #[cfg(target_env = "gnu")]
    {
        use nix::libc;
        // SAFETY: mallopt only sets numbers of the allocator; called before the first thread is started.
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, 1);
            libc::mallopt(libc::M_TRIM_THRESHOLD, 64 * 1024);
            libc::mallopt(libc::M_MMAP_THRESHOLD, 64 * 1024);
        }
    }
}
