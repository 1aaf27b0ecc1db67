//! Our controller's keys, outages and manners, in a real control plane and with its own ServiceAccount's rights.

mod keys;
mod laboratory;
mod manners;
mod outages;
