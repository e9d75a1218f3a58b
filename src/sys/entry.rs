//! The C entry point: keeps Rust's start-up code out of PID 1.
//!
//! That code ignores SIGPIPE for good, which every program we start would inherit, and ends the process where
//! descriptors 0 to 2 are closed and there is no /dev/null. A container's PID 1 must do neither.
//! Not here: what the program does (`cli`).

/// Defines `main` to call `$run`, a `fn() -> i32`, and to return its value.
#[macro_export]
macro_rules! entry {
    ($run:path) => {
        /// What the C start-up code calls. The standard library has found the arguments by itself.
        #[unsafe(no_mangle)]
        pub extern "C" fn main(_argc: i32, _argv: *const *const u8) -> i32 {
            $run()
        }
    };
}
