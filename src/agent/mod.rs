//! The loop: send, stream, run tools, repeat until the model ends its turn.
