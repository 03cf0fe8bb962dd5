//! `isolate_leaders`: one leader after the other is cut off, each as soon as it is elected.
//!
//! A new leader is at its weakest in its first moments: it holds entries that may not be committed,
//! takes in requests that waited for it, and has not yet heard its followers. What it tells clients then
//! must hold though it is gone before it could tell another replica.

use std::time::Duration;

use super::{Act, Injection, Obstacle, Situation, Step, partition, shape};
use crate::fault::length::{aftermath, begins_with_the_leader, lag, times};
use crate::fault::{Direction, Parameters, PartitionShape};
use crate::limits;
use crate::seed::{Seed, index};

/// A partition by its shape; from then on the replica that claims leadership is cut off alone in its stead.
pub fn inject(
    parameters: &Parameters,
    situation: &Situation<'_>,
    draw: Seed,
) -> Result<Injection, Obstacle> {
    // Its lag is of another kind.
    let cut = Parameters { lag_ms: None, ..parameters.clone() };
    let Injection { targets, script } = partition::shaped(&cut, situation, draw)?;
    let mut script: Vec<Step> = script.into_iter().take(1).collect();
    // Where the leader is gone, another one will be elected by itself.
    if !begins_with_the_leader(parameters) {
        script.push(Step::Wait(parameters.duration()));
        // The replica that was cut off so far comes back, and has missed something, when the leader goes.
        let is_deadlock = parameters.shape == Some(PartitionShape::Everyone);
        if is_deadlock {
            script.extend(reunion(situation, draw)?);
        } else {
            script.push(Step::Do(Act::CutLeader));
        }
    }
    let times = times(parameters);
    if times == 0 {
        script.push(Step::UntilElected(limits::ELECTION_PATIENCE));
    }
    for n in 0..times {
        script.push(Step::UntilElected(limits::ELECTION_PATIENCE));
        script.push(moment(parameters, draw, n));
        script.push(Step::Do(Act::CutElected));
    }
    script.extend([Step::Wait(aftermath(parameters)), Step::Do(Act::Lift)]);
    Ok(Injection { targets, script })
}

/// Where no replica could be elected, one will be as soon as they reach one another again: all at once or,
/// in every other case, two halves that do not see each other, and one in between whose vote both need.
fn reunion(situation: &Situation<'_>, draw: Seed) -> Result<Vec<Step>, Obstacle> {
    let draw = draw.derive("reunion");
    let mut steps = vec![Step::Do(Act::Lift)];
    if draw.fraction(0) < 0.5 {
        let draw = Seed(draw.draw(1));
        let bridge = shape::cuts(PartitionShape::Bridge, Direction::Both, situation, draw)?;
        steps.push(partition::cut(&bridge));
    }
    Ok(steps)
}

/// When a new leader goes, each in a third of the cases: before it has told any replica but
/// clients that it leads; when it has answered some operations; some time later.
fn moment(parameters: &Parameters, draw: Seed, n: u64) -> Step {
    let thirds = 3.0 * draw.derive("moment").fraction(n);
    match thirds {
        ..1.0 => Step::Wait(Duration::ZERO),
        // From 1 to 32, the fewer the likelier.
        ..2.0 => Step::UntilAnswers(
            1 << index(draw.derive("answers").draw(n), 6),
            limits::ANSWER_PATIENCE,
        ),
        _ => Step::Wait(lag(parameters).mul_f64(thirds - 2.0)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fault::LinkRule;
    use crate::ids::NodeId;

    #[test]
    fn one_leader_after_the_other_goes_as_soon_as_it_is_elected() {
        let ids: Vec<NodeId> = (0..5).map(NodeId::replica).collect();
        let alive: BTreeSet<NodeId> = ids.iter().copied().collect();
        let situation = Situation {
            replicas: &ids,
            alive: &alive,
            taken: &BTreeSet::new(),
            leader: Some(ids[2]),
            is_isolating_leaders: false,
        };
        let script_of = |shape, times, draw| {
            let parameters = Parameters {
                shape: Some(shape),
                duration_ms: Some(300),
                times: Some(times),
                lag_ms: Some(60),
                ..Parameters::default()
            };
            inject(&parameters, &situation, Seed(draw)).unwrap().script
        };
        let script = |shape, draw| script_of(shape, 3, draw);
        let once = script_of(PartitionShape::Everyone, 0, 1);
        let end = [Step::Wait(Duration::from_millis(60)), Step::Do(Act::Lift)];
        assert!(once.ends_with(&end) && !once.contains(&Step::Do(Act::CutElected)), "{once:?}");
        let cuts = |script: &[Step], act: &Act| {
            script.iter().filter(|step| matches!(step, Step::Do(it) if it == act)).count()
        };
        let (mut moments, mut reunions) = (BTreeSet::new(), BTreeSet::new());
        for draw in 0..20 {
            let leader = script(PartitionShape::Leader, draw);
            assert_eq!(cuts(&leader, &Act::CutElected), 3);
            assert_eq!(cuts(&leader, &Act::CutLeader), 0, "it is cut off from the beginning");
            assert_eq!(cuts(&script(PartitionShape::One, draw), &Act::CutLeader), 1);
            let everyone = script(PartitionShape::Everyone, draw);
            assert_eq!(everyone[2], Step::Do(Act::Lift), "some replica must see a majority");
            reunions.insert(match &everyone[3] {
                Step::Do(Act::Apply { rules, sides }) => {
                    let cut = rules.iter().flat_map(LinkRule::pairs).count();
                    assert_eq!((cut, sides.len()), (8, 0), "two halves of two");
                    "two halves"
                }
                _ => "all",
            });
            assert_eq!(everyone.last(), Some(&Step::Do(Act::Lift)));
            moments.insert(match leader[2] {
                Step::Wait(Duration::ZERO) => "at once",
                Step::UntilAnswers(1..=32, _) => "when it has answered",
                Step::Wait(lag) if lag <= Duration::from_millis(60) => "later",
                ref other => panic!("no moment: {other:?}"),
            });
        }
        assert_eq!(moments.len(), 3, "{moments:?}");
        assert_eq!(reunions.len(), 2, "{reunions:?}");
    }
}
