//! Settings from layers, each value with its source; the trust a project file needs; edits that keep comments.
