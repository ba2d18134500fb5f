//! Repositories that strangers made to take over whoever runs `vk` in them (SECURITY section 1), as data in
//! `tests/hostile/`: every command is run in one, with somebody there and with nobody. A program that ran has left a
//! canary; an address that was asked has counted it.

mod commands;
mod private;
mod projects;
mod repository;
mod traced;
