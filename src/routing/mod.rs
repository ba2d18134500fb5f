//! The decision: from what is known to a route and the reason of each step. Pure functions only.
