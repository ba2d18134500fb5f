//! Arguments in, one call, hand the result to `present/`.

pub mod args;
pub mod context;
