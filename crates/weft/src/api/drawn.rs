//! Shapes drawn from a view: what the loop knows, in the words of the API. Each function is pure; it
//! must show what is there and decide nothing.

pub mod ahead;
pub mod fleet;
pub mod moves;
pub mod plans;
pub mod status;
