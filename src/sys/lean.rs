//! Stands in for parts of glibc that a static binary drags in and that nothing here ever uses: stdio, locales, character
//! sets, the resolver, the loading of libraries; and for the unwinder of libgcc. 0.6 megabytes hang on the names below.
//!
//! Compiled with `--cfg lean_libc` alone, which the Makefile gives for the glibc this was made for. Invariants: what is
//! really called does what libc's own does; what cannot be called does nothing. Somebody who comes to need one of the
//! parts is told by the linker (`duplicate symbol`), not by a crash. To see what drags what: ld.lld's `--why-extract`.
//! Not here: settings of the allocator (`malloc`).

use nix::libc::{self, c_char, c_int, c_long, c_uint, c_ulong, c_void};
use std::ffi::CStr;
use std::io::Write;
use std::ptr::null_mut;
use std::sync::atomic::AtomicPtr;

unsafe extern "C" {
    /// The words for an error number, never translated; null for a number that is none.
    safe fn strerrordesc_np(errno: c_int) -> *const c_char;
}

/// libc puts these together with printf; else it says the same.
///
/// # Safety
/// `buffer` has room for `room` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn __strerror_r(errno: c_int, buffer: *mut c_char, room: usize) -> *const c_char {
    let words = strerrordesc_np(errno);
    if !words.is_null() || room == 0 {
        return words;
    }
    // SAFETY: the caller's promise; bytes need no alignment.
    let mut rest = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), room - 1) };
    let _ = write!(rest, "Unknown error {errno}");
    let end = room - 1 - rest.len();
    // SAFETY: `end` is below `room`.
    unsafe { *buffer.add(end) = 0 };
    buffer
}

/// Decimal alone: all that libc reads with it here are files of the kernel.
///
/// # Safety
/// `text` ends with a zero byte; `end` is null or may be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn strtoul(text: *const c_char, end: *mut *mut c_char, _base: c_int) -> c_ulong {
    // SAFETY: the caller's promise.
    let digits = unsafe { CStr::from_ptr(text) }.to_bytes().iter().take_while(|b| b.is_ascii_digit());
    let (mut value, mut length): (c_ulong, usize) = (0, 0);
    for digit in digits {
        value = value.saturating_mul(10).saturating_add(c_ulong::from(digit - b'0'));
        length += 1;
    }
    if !end.is_null() {
        // SAFETY: the caller's promise; the first byte that is no digit is inside the string.
        unsafe { *end = text.add(length).cast_mut() };
    }
    value
}

/// As [`strtoul`].
///
/// # Safety
/// As there.
#[unsafe(no_mangle)]
unsafe extern "C" fn strtol(text: *const c_char, end: *mut *mut c_char, base: c_int) -> c_long {
    // SAFETY: the caller's promise.
    c_long::try_from(unsafe { strtoul(text, end, base) }).unwrap_or(c_long::MAX)
}

/// Threads are named by themselves alone.
///
/// # Safety
/// `name` ends with a zero byte.
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_setname_np(_thread: libc::pthread_t, name: *const c_char) -> c_int {
    // SAFETY: the kernel reads at most 16 bytes of it.
    unsafe { libc::prctl(libc::PR_SET_NAME, name) };
    0
}

/// A static binary has no symbols to find: libc's own finds none either.
#[unsafe(no_mangle)]
extern "C" fn dlsym(_handle: *mut c_void, _name: *const c_char) -> *mut c_void {
    null_mut()
}

/// # Safety
/// `claim` ends with a zero byte.
#[unsafe(no_mangle)]
unsafe extern "C" fn __assert_fail(claim: *const c_char, _: *const c_char, _: c_uint, _: *const c_char) -> ! {
    // SAFETY: the caller's promise.
    let claim = unsafe { CStr::from_ptr(claim) };
    super::fd::last_words(&format!("libc: assertion `{}` failed\n", claim.to_string_lossy()));
    std::process::abort()
}

/// An array of libc's own was asked for an element that it does not have.
#[unsafe(no_mangle)]
extern "C" fn __libc_dynarray_at_failure(_size: usize, _index: usize) -> ! {
    std::process::abort()
}

/// Where libraries would be looked for.
#[unsafe(no_mangle)]
extern "C" fn _dl_init_paths(_: *const c_char, _: *const c_char, _: *const c_char, _: *const c_char) {}

/// Makes a stack executable, for a binary that wants that.
#[unsafe(no_mangle)]
extern "C" fn __nptl_change_stack_perm(_thread: *mut c_void) -> c_int {
    libc::ENOSYS
}

/// Where a thread's tables of characters are: whoever used them would draw in the one that defines this.
#[unsafe(no_mangle)]
extern "C" fn __ctype_init() {}

/// For `malloc_stats`; the other arguments do not matter.
#[unsafe(no_mangle)]
extern "C" fn fprintf(_to: *mut c_void, _format: *const c_char) -> c_int {
    0
}

#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name is libc's")]
static stderr: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// Names that do nothing, whatever they are given.
macro_rules! nothing {
    ($($name:ident)*) => { $(
        #[unsafe(no_mangle)]
        extern "C" fn $name() -> *mut c_void {
            null_mut()
        }
    )* };
}

// What fork, and the first thread, do with the open files of stdio: there are none.
nothing! {
    _IO_enable_locks _IO_list_lock _IO_list_unlock _IO_list_resetlock
    _IO_iter_begin _IO_iter_end _IO_iter_next _IO_iter_file
}

/// The frames of a backtrace, each given to `_visit`: none. The tables that say where they are have been left out
/// (lean.ld), and the names with them. The optimizer sees that nobody is visited, and drops what reads debug information.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(
    _visit: extern "C" fn(*mut c_void, *mut c_void) -> c_int,
    _with: *mut c_void,
) -> c_int {
    const END_OF_STACK: c_int = 5;
    END_OF_STACK
}

/// A panic aborts (docs/adr/0011) and no thread is cancelled: who comes here has lost its way.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume(_exception: *mut c_void) -> ! {
    std::process::abort()
}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_ForcedUnwind(_exception: *mut c_void, _stop: *mut c_void, _with: *mut c_void) -> c_int {
    std::process::abort()
}

// What a frame that is unwound is asked and told.
nothing! {
    _Unwind_GetCFA _Unwind_GetDataRelBase _Unwind_GetIP _Unwind_GetIPInfo _Unwind_GetLanguageSpecificData
    _Unwind_GetRegionStart _Unwind_GetTextRelBase _Unwind_SetGR _Unwind_SetIP __gcc_personality_v0
}

// A new thread notes in it where its state of the resolver is.
std::arch::global_asm!(
    ".section .tbss,\"awT\",%nobits",
    ".globl __libc_resp",
    ".type __libc_resp, %object",
    ".size __libc_resp, 8",
    ".p2align 3",
    "__libc_resp: .zero 8",
    ".text",
);
