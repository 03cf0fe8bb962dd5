//! Was every acknowledged put known to enough replicas, by the messages that were seen?

use super::{Answer, AnswerKind, Question, Standing};
use crate::durability::promise::Promise;
use crate::durability::unseen::Unseen;
use crate::durability::{Carrier, DurabilityRecord, EarlyAcknowledgement, Knower};
use crate::op::text_of;
use crate::record::RunRecord;
use crate::system::Port;
use crate::time::RunTime;

/// The answer, from what each replica can have known.
pub fn answer(record: &RunRecord) -> Answer {
    let durability = &record.durability;
    let Some(required) = durability.required else {
        let sentence = match record.plan.system.port {
            Port::Course => "not asked: `--durability off`",
            Port::Maelstrom | Port::Driver => {
                "not asked: only the course's messages show which replica can know of which put"
            }
        };
        return Answer::new(Question::Durability, Standing::Valid, AnswerKind::NotAsked, sentence);
    };
    let enough = enough(record.plan.durability, required, record.scenario.replicas);
    let Some(first) = &durability.first else {
        let sentence = match durability.acknowledged {
            0 => "not judged: no put was acknowledged".to_owned(),
            1 => format!("the acknowledged put can have been known to {enough} before"),
            n => {
                format!("each of the {n} acknowledged puts can have been known to {enough} before")
            }
        };
        return Answer::new(Question::Durability, Standing::Valid, AnswerKind::Durable, sentence);
    };
    if let Some(unseen) = &durability.unseen {
        let sentence = not_observed(unseen);
        let (kind, standing) = (AnswerKind::NotObserved, Standing::Unknown);
        return Answer::new(Question::Durability, standing, kind, sentence);
    }
    let (kind, standing) = (AnswerKind::EarlyAcknowledgement, Standing::Invalid);
    Answer::new(Question::Durability, standing, kind, sentence(durability, first, &enough))
        .with_details(details(record, first))
}

fn not_observed(unseen: &Unseen) -> String {
    let Unseen { by, key, value, at } = unseen;
    format!(
        "not observed: at {at} {by} returned {key:?} = {value:?}, which no client and no message had brought there, so \
         the replicas share what they know where it is not seen; `--durability off` leaves the question out"
    )
}

/// `a majority (3 of 5 replicas)`, `2 of 5 replicas`.
fn enough(promise: Promise, required: usize, replicas: usize) -> String {
    match promise {
        Promise::Majority => format!("a majority ({required} of {replicas} replicas)"),
        Promise::Any(_) | Promise::Off => format!("{required} of {replicas} replicas"),
    }
}

fn sentence(durability: &DurabilityRecord, first: &EarlyAcknowledgement, enough: &str) -> String {
    let DurabilityRecord { acknowledged, early, .. } = durability;
    let were = if *early == 1 { "was" } else { "were" };
    // Half a put in a thousand is not "0 %".
    let share = match 100.0 * *early as f64 / *acknowledged as f64 {
        share if share < 1.0 => "less than 1".to_owned(),
        share => format!("{share:.0}"),
    };
    format!(
        "{early} of {acknowledged} puts ({share} %) {were} acknowledged before {enough} can have known of them, \
         the first by {} at {}",
        first.by, first.at
    )
}

/// The most messages that are listed.
const MOST_MESSAGES: usize = 12;

fn details(record: &RunRecord, first: &EarlyAcknowledgement) -> Vec<String> {
    let mut lines = Vec::new();
    let index = usize::try_from(first.operation).unwrap_or(usize::MAX);
    if let Some(put) = record.operations.get(index) {
        lines.push(format!(
            "client {} put {:?} = {:?}, first sent at {} ms; {} acknowledged it at {} ms",
            put.client,
            put.key_name(),
            text_of(&put.value).unwrap_or_default(),
            ms(put.invoked),
            first.by,
            ms(first.at)
        ));
    }
    lines.extend(first.replicas.iter().map(|knower| knows(knower, first)));
    lines.extend(first.messages.iter().take(MOST_MESSAGES).map(carried));
    let more = first.messages.len().saturating_sub(MOST_MESSAGES);
    if more > 0 {
        lines.push(format!("and {more} more messages that can have carried it"));
    }
    lines
}

fn knows(knower: &Knower, first: &EarlyAcknowledgement) -> String {
    let Knower { id, since, is_heard } = *knower;
    let Some(since) = since else {
        return format!("{id} cannot have known of it: no message had brought it there");
    };
    let known = format!("{id} can have known of it since {} ms", ms(since));
    if id == first.by {
        known
    } else if is_heard {
        format!("{known}, and {} can have heard so", first.by)
    } else {
        format!("{known}, but nothing that it sent from then on had reached {}", first.by)
    }
}

fn carried(carrier: &Carrier) -> String {
    let Carrier { from, to, kind, sent, arrived } = carrier;
    format!(
        "`{kind}` from {from} to {to}, sent at {} ms, arrived at {} ms",
        ms(*sent),
        ms(*arrived)
    )
}

/// `1234.567`: messages follow one another within microseconds.
fn ms(at: RunTime) -> String {
    format!("{:.3}", at.0 as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;
    use crate::record::sample;

    fn early() -> RunRecord {
        let mut record = sample::record();
        let (by, at) = (NodeId(1), RunTime(1_250_000_000));
        let knower = |id, since, is_heard| Knower { id: NodeId(id), since, is_heard };
        let carrier = |from, to, kind: &str, sent, arrived| Carrier {
            from: NodeId(from),
            to: NodeId(to),
            kind: kind.to_owned(),
            sent: RunTime(sent),
            arrived: RunTime(arrived),
        };
        record.durability = DurabilityRecord {
            required: Some(3),
            acknowledged: 200,
            early: 1,
            unseen: None,
            first: Some(EarlyAcknowledgement {
                operation: 0,
                by,
                at,
                replicas: vec![
                    knower(0, Some(RunTime(1_240_000_000)), false),
                    knower(1, Some(RunTime(1_230_000_000)), true),
                    knower(2, Some(RunTime(1_235_000_000)), true),
                    knower(3, None, false),
                    knower(4, None, false),
                ],
                messages: vec![
                    carrier(0x15, 1, "put", 1_230_000_000, 1_230_000_000),
                    carrier(1, 0, "append", 1_231_000_000, 1_240_000_000),
                ],
            }),
        };
        record
    }

    #[test]
    fn an_early_acknowledgement_is_told_with_what_each_replica_can_have_known() {
        let answer = answer(&early());
        assert_eq!((answer.standing, answer.exit().code()), (Standing::Invalid, 16));
        let expected = "1 of 200 puts (less than 1 %) was acknowledged before a majority (3 of 5 replicas) can have \
                        known of them, the first by 0001 at 1.250 s";
        assert_eq!(answer.sentence, expected);
        let expected = [
            "0000 can have known of it since 1240.000 ms, but nothing that it sent from then on had reached 0001",
            "0001 can have known of it since 1230.000 ms",
            "0002 can have known of it since 1235.000 ms, and 0001 can have heard so",
            "0003 cannot have known of it: no message had brought it there",
            "0004 cannot have known of it: no message had brought it there",
            "`put` from 0015 to 0001, sent at 1230.000 ms, arrived at 1230.000 ms",
            "`append` from 0001 to 0000, sent at 1231.000 ms, arrived at 1240.000 ms",
        ];
        assert_eq!(answer.details[1..], expected);
    }

    #[test]
    fn where_the_replicas_share_what_is_not_seen_no_put_is_called_early() {
        let mut record = early();
        record.durability.unseen = Some(Unseen {
            by: NodeId(3),
            key: "x".to_owned(),
            value: "1".to_owned(),
            at: RunTime(1_300_000_000),
        });
        let answer = answer(&record);
        assert_eq!((answer.standing, answer.kind), (Standing::Unknown, AnswerKind::NotObserved));
        assert!(answer.sentence.contains("0003 returned \"x\" = \"1\""), "{}", answer.sentence);
    }

    #[test]
    fn what_was_not_asked_or_not_seen_is_said() {
        let mut record = sample::record();
        record.durability = DurabilityRecord::default();
        let off = answer(&record);
        assert_eq!((off.standing, off.kind), (Standing::Valid, AnswerKind::NotAsked));
        record.durability.required = Some(3);
        assert_eq!(answer(&record).sentence, "not judged: no put was acknowledged");
        record.durability.acknowledged = 7;
        let expected = "each of the 7 acknowledged puts can have been known to a majority (3 of 5 replicas) before";
        assert_eq!(answer(&record).sentence, expected);
    }
}
