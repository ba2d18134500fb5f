//! The words of the product as plain types: no input, no output, nothing that can fail to be true.

pub mod batch;
pub mod bill;
pub mod budget;
pub mod cost;
pub mod credits;
pub mod estimate;
pub mod event;
pub mod failure;
pub mod message;
pub mod model_id;
pub mod path;
pub mod quota;
pub mod request;
pub mod route;
pub mod ui;
pub mod usage;
