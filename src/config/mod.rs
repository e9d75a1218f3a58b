pub mod diag;
pub mod model;
pub mod raw;

pub struct Loaded {
    pub config: model::Config,
    pub warnings: diag::Diagnostics,
    pub notes: Vec<(crate::types::LogLevel, String)>,
}
