//! What Weft keeps: the journal, plans, moves, approvals, policies, scores of forecasts, events, alerts
//! and samples. A database that survives anything; it must never lose what it acknowledged.
