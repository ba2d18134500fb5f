//! `vk login` as its users do it: at a terminal, with a browser that the test is, against services on loopback.

mod browser;
mod claude;
mod codex;
mod identity;
mod openrouter;
mod plan;
