//! The harness as its users see it: the command line, real clusters, and the pages that describe them.
//!
//! One crate for all of it: one link, and one place that knows how much may run at a time
//! (`support::room`).

mod architecture;
mod bad_input;
mod browser;
mod check_budgets;
mod check_cases;
mod check_models;
mod console_blocks;
mod course;
mod course_programs;
mod course_ways;
mod data_faults;
mod durability;
mod faults;
mod flake;
mod fuzz_check;
mod host_knobs;
mod hostile;
mod hosts;
mod large_cluster;
mod lifecycle;
mod links;
mod manual;
mod many_runs;
mod network_faults;
mod odd_programs;
mod partitions;
mod replay;
mod reports_in_a_browser;
mod scenario_course_configs;
mod scenario_errors;
mod scenario_network;
mod scenario_own_workloads;
mod support;
mod texts;
mod vacuous_runs;
mod words;
