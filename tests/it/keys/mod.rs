//! `vk keys` as its users see it.

mod file;
mod home;
mod keyring;
mod provider;
mod refusals;
