//! The planner against the checker, against its own promises, and against exhaustive search.

mod cases;
mod exhaustive;
mod fleets;
mod outlooks;
mod properties;
mod schedules;
