pub mod diag;
pub mod model;
pub mod raw;
