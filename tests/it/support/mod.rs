//! What the tests of the whole stand on: providers on loopback fed with bytes in their own formats, and a `vk` that
//! sees nothing of the machine it runs on.

pub mod env;
#[cfg(target_os = "linux")]
pub mod postgres;
pub mod provider;
pub mod random;
pub mod service;
#[cfg(unix)]
pub mod terminal;
#[cfg(unix)]
pub mod tree;
pub mod turn;
