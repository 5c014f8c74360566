//! Tests of the simulated fleet from outside: its promises as a driver, its physics by hand, and its
//! invariants under random faults.

mod by_hand;
mod conformance;
mod faults;
mod fleet;
mod moves;
mod physics;
mod twin;
