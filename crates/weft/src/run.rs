//! The running loop: who steps it, and how everybody else looks at it and asks it for things.
//!
//! One thread owns the control loop. It publishes an immutable [`view::View`] after every change, and
//! takes what people ask for from a queue ([`desk::Desk`]). The API, the alerts and the command line
//! hold a desk; none of them can reach a machine.

pub mod clock;
pub mod demo;
pub mod desk;
mod ending;
pub mod load;
pub mod serve;
pub mod simulated;
mod told;
pub mod view;
pub mod watched;
pub mod web;
