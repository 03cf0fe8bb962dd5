//! Whose time runs have.

use super::{ClockChoice, Failure};
use crate::plan::Plan;
use crate::world::{self, Clock};

/// The clock of runs of these plans. `auto` is virtual time where it is possible; which it is, and why, is told.
pub fn of<'a>(choice: ClockChoice, plans: impl IntoIterator<Item = &'a Plan>) -> Clock {
    match choice {
        ClockChoice::Real => Clock::Real,
        ClockChoice::Virtual => Clock::Virtual,
        ClockChoice::Auto => {
            let obstacle = plans.into_iter().find_map(world::obstacle);
            let told = match &obstacle {
                None => "virtual: the same seed gives the same run".to_owned(),
                Some(why) => format!("real: {why}"),
            };
            eprintln!("harness: clock {told}");
            if obstacle.is_none() { Clock::Virtual } else { Clock::Real }
        }
    }
}

/// The same for commands that make all their runs alike: where virtual time is asked for and not possible, none is made.
pub fn of_all(choice: ClockChoice, plan: &Plan) -> Result<Clock, Failure> {
    if choice == ClockChoice::Virtual
        && let Some(why) = world::obstacle(plan)
    {
        return Err(Failure::usage(anyhow::anyhow!("{why}; use `--clock real`")));
    }
    Ok(of(choice, [plan]))
}
