//! The conformance suite of drivers: what every driver must do, told as checks on a small fleet.
