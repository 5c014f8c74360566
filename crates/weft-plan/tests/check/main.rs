//! The checker: each rule broken and kept, starts, placements, and properties over random fleets.

mod fixture;
mod placements;
mod properties;
mod rules;
mod starts;
