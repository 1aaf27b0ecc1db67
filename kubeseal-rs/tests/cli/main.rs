//! The program from outside: its binary, in a folder of its own and without any environment.

mod bad_input;
mod output;
mod program;
mod round_trip;
mod web;
