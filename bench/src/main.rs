//! The measurements of Weft: a second binary that only measures; it has no command yet.
fn main() {}
