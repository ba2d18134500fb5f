//! The loop: send, stream, run tools, repeat until the model ends its turn.

pub mod cancel;
pub mod hold;
pub mod limits;
pub mod proof;
pub mod tariff;
pub mod transcript;
