//! The control loop of Weft as a state machine: `step(now, event) -> commands`.
//!
//! Whatever decides lives here: modes, budgets, cool-downs, freezes, approvals, deadlines, retries,
//! record-before-act. The shell that serves and the simulator that replays carry the same commands
//! out and feed the same events back, so what the simulation proves is what production runs.
//!
//! Pure: no clock, no I/O, no thread. Long computations leave as a [`job::Job`], a value that
//! somebody else runs and whose result comes back as an event. The states and their transitions are
//! told in `docs/control-loop.md`.

pub mod command;
pub mod control;
pub mod event;
pub mod job;
pub mod record;
