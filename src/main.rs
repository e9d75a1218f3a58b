//! The binary: everything is in the library; see `lib.rs` for the map.
#![no_main]

mainstay::entry!(mainstay::cli::main);
