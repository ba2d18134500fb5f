//! The tests that see `vk` as its users do, or several parts of it at once. One binary, one file a topic.

mod ledger;
