//! Shapes drawn from a view: what the loop knows, in the words of the API. Each function is pure; it
//! must show what is there and decide nothing.

pub(super) mod ahead;
pub(super) mod fleet;
pub(super) mod moves;
pub(super) mod plans;
pub(super) mod status;
