//! What a move takes: duration, downtime and bytes of a pre-copy migration.

/// The pre-copy model and what it has learned from finished moves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PrecopyModel {}
