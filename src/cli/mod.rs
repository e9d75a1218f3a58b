//! One file for each applet, and the edge to the real machine.

pub mod check;
pub mod world;
