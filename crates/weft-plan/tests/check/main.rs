//! The checker: each rule broken and kept, starts, placements, and properties over random fleets.

mod demand;
mod fixture;
mod placements;
mod properties;
mod rules;
mod running;
mod starts;
