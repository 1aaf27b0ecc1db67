//! What runs over an API server that is simulated.

mod simulation;
