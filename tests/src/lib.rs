//! The harness of the black-box tests: real control planes, the real reference, the real binaries.
//!
//! A test asks [`cluster::Cluster`] for a control plane, makes a [`namespace::TempNamespace`] in it, starts programs
//! with [`launch::Launch`], and waits with [`eventually::eventually`], never with a bare sleep.

pub mod binaries;
pub mod chaos;
pub mod cluster;
pub mod differences;
pub mod eventually;
pub mod http;
pub mod implementation;
pub mod launch;
pub mod namespace;
pub mod netns;
pub mod output;
pub mod peers;
pub mod process;
pub mod relay;
pub mod samples;
pub mod sealing_keys;
