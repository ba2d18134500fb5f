//! The scripted provider of `vk demo`, on loopback.
