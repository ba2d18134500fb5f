//! One HTTP client, server-sent events, and the decision to try again. Knows no provider.
