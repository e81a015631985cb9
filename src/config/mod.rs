//! Where settings come from: flag over environment over file over default.

pub mod environment;

pub use environment::Environment;
