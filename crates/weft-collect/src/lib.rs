//! What Weft takes in from outside: metrics from Prometheus, calendars, campaigns, news. Everything that
//! is read here is bounded in time and size, and trusted by nobody before it was checked.

pub mod calendar;
pub mod campaign;
pub mod fetch;
pub mod news;
pub mod preset;
pub mod prometheus;
pub mod signal;
