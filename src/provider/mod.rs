//! Providers' wires: neutral request in, neutral events and reply out. Wire structs stay private.
