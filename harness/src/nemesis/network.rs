//! `network`: rules hold on links for a while.

use super::{Act, Injection, Obstacle, Situation, Step, target};
use crate::fault::{LinkRule, Parameters, RoleRule, Target};
use crate::ids::NodeId;
use crate::seed::Seed;

/// Each rule on its links, all for the same time.
pub fn inject(
    parameters: &Parameters,
    situation: &Situation<'_>,
    draw: Seed,
) -> Result<Injection, Obstacle> {
    let resolve = |rule: &RoleRule| {
        let of = |named: &[Target]| members(named, situation, draw);
        Ok(LinkRule { rule: rule.rule.clone(), from: of(&rule.from)?, to: of(&rule.to)? })
    };
    let rules = parameters.rules.iter().map(resolve).collect::<Result<Vec<_>, Obstacle>>()?;
    if rules.iter().all(|rule| rule.pairs().is_empty()) {
        return Err(Obstacle::NoLink);
    }
    let script = vec![
        Step::Do(Act::Apply { rules, sides: Vec::new() }),
        Step::Wait(parameters.duration()),
        Step::Do(Act::Lift),
    ];
    Ok(Injection { targets: Vec::new(), script })
}

/// The replicas of these names. A role is the same ones in all rules of a fault, and the majority those
/// that are not in the minority.
fn members(
    named: &[Target],
    situation: &Situation<'_>,
    draw: Seed,
) -> Result<Vec<NodeId>, Obstacle> {
    // What happens to a link does not meddle with what happens to a process.
    let none = std::collections::BTreeSet::new();
    let situation = &Situation { taken: &none, ..situation.clone() };
    let mut ids = Vec::new();
    for &name in named {
        match name {
            Target::Id(id) => ids.push(id),
            Target::All => ids.extend(situation.replicas),
            Target::Majority => {
                let minority = target::choose(Some(Target::Minority), situation, draw)?;
                ids.extend(situation.replicas.iter().filter(|id| !minority.contains(id)));
            }
            role => ids.extend(target::choose(Some(role), situation, draw)?),
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::network::rules::Rule;

    #[test]
    fn roles_are_the_same_in_all_rules_of_a_fault() {
        let ids: Vec<NodeId> = (0..5).map(NodeId::replica).collect();
        let alive: BTreeSet<NodeId> = ids.iter().copied().collect();
        let taken = BTreeSet::from([ids[3]]);
        let mut situation = Situation {
            replicas: &ids,
            alive: &alive,
            taken: &taken,
            leader: Some(ids[3]),
            is_isolating_leaders: false,
        };
        let rule = |from, to| RoleRule { rule: Rule::Cut, from: vec![from], to: vec![to] };
        let rules = vec![
            rule(Target::Leader, Target::One),
            rule(Target::One, Target::All),
            rule(Target::Minority, Target::Majority),
        ];
        let parameters = Parameters { rules, ..Parameters::default() };
        for n in 0..50 {
            let injection = inject(&parameters, &situation, Seed(n)).unwrap();
            let Step::Do(Act::Apply { rules, .. }) = &injection.script[0] else { panic!("rules") };
            assert_eq!(rules[0].from, [ids[3]], "also when another fault has it");
            assert_eq!(rules[0].to, rules[1].from);
            assert_eq!((rules[2].from.len(), rules[2].to.len()), (2, 3));
            assert!(rules[2].from.iter().all(|id| !rules[2].to.contains(id)));
        }
        situation.leader = None;
        assert!(inject(&parameters, &situation, Seed(1)).is_err());
    }
}
