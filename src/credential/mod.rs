//! Keys and tokens: where they are kept and what may be done with them.
