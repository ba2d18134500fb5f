//! Who runs the loop, behind one trait.
