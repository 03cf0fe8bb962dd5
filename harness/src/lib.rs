//! A black-box tester for clusters of ordinary processes.
//!
//! A run flows one way, and each room hands the next a plain value:
//! [`scenario`] (what a workload file describes) → [`plan`] (all chance is spent here) → [`run`]
//! (a state machine made of [`network`], [`leadership`], [`durability`], [`nemesis`] and [`clients`]) in a [`world`] (clock, sockets,
//! processes of the [`cluster`], [`journal`]) → [`record::RunRecord`] → [`check`] and [`verdict`] → [`report`]. [`course`] adds the
//! judgement of the course's own rules; [`explain`] says in sentences what a verdict means; [`cli`] is what a person calls.

pub mod allocator;
pub mod campaign;
pub mod check;
pub mod cli;
pub mod clients;
pub mod cluster;
pub mod compare;
pub mod course;
pub mod dialect;
pub mod durability;
pub mod exit;
pub mod explain;
pub mod export;
pub mod fault;
pub mod files;
pub mod flake;
pub mod host;
pub mod ids;
pub mod journal;
pub mod leadership;
pub mod limits;
pub mod manifest;
pub mod nemesis;
pub mod network;
pub mod op;
pub mod os;
pub mod plan;
pub mod record;
pub mod report;
pub mod results;
pub mod run;
pub mod scenario;
pub mod seed;
pub mod serve;
pub mod services;
pub mod shrink;
pub mod system;
pub mod text;
pub mod time;
pub mod verdict;
mod words;
pub mod workload;
pub mod world;
