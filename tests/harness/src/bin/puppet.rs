//! A child process that does as told by its arguments.
//!
//! Entered without Rust's runtime, which would ignore SIGPIPE, reopen closed descriptors and handle SIGSEGV before the
//! first verb: a puppet shows what it was given.
#![no_main]
#![allow(clippy::not_unsafe_ptr_arg_deref)] // only the C runtime calls it

/// The C entry point.
// SAFETY: the only `main` of the program.
#[unsafe(no_mangle)]
pub extern "C" fn main(argc: i32, argv: *const *const std::ffi::c_char) -> i32 {
    let n = usize::try_from(argc).unwrap_or(0);
    // SAFETY: the C runtime gives argc valid strings.
    let words = (1..n).map(|i| unsafe { std::ffi::CStr::from_ptr(*argv.add(i)) });
    harness::puppet::main(words.map(|w| w.to_string_lossy().into_owned()).collect())
}
