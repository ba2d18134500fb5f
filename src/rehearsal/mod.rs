//! The scripted provider of `vk demo`, on loopback: real HTTP and server-sent events, real requests to answer, and a
//! model whose lines were written beforehand. It says so wherever it speaks. Tokens are counted from the requests.

mod lines;
pub mod scenes;
mod server;
mod wire;

pub use lines::{Line, Script};
pub use server::{SEEN, Server, Silent};
