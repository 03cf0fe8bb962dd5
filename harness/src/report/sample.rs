//! A small hand-made run and its verdict, on which the reports are tested.

use std::path::Path;
use std::sync::Arc;

use crate::course;
use crate::record::RunRecord;
pub use crate::record::sample::{record, text};
use crate::report::Finished;
use crate::scenario::Scenario;
use crate::verdict::{Answer, AnswerKind, Question, Standing, Verdict};

/// A record and its verdict.
pub struct Sample {
    /// What was seen.
    pub record: RunRecord,
    /// What it means.
    pub verdict: Verdict,
}

impl Sample {
    pub fn new() -> Self {
        Self { record: record(), verdict: verdict() }
    }

    /// The same run as if it had been one of the course's tests of 2016.
    pub fn of_the_course() -> Self {
        let mut sample = Self::new();
        let config = r#"{"lifetime": 30, "replicas": 5, "requests": 500}"#;
        let scenario = Scenario::parse("simple-1.json", config).unwrap();
        sample.record.scenario = Arc::new(scenario);
        sample
    }

    pub fn finished<'a>(&'a self, results: &'a Path) -> Finished<'a> {
        let statistics = course::Statistics::of(&self.record);
        Finished {
            record: &self.record,
            verdict: &self.verdict,
            witness: None,
            judgement: course::judge(&self.record.scenario, &statistics),
            statistics,
            explanation: None,
            reproduce: "harness run workloads/demo.json --seed 7".to_owned(),
            folder: "results/demo/19700101T000000Z-7".into(),
            results,
            is_again: false,
            start: jiff::Timestamp::UNIX_EPOCH,
            clock: crate::world::Clock::Real,
        }
    }
}

pub fn verdict() -> Verdict {
    let valid = |question, kind, sentence: &str| Answer {
        question,
        standing: Standing::Valid,
        kind,
        sentence: sentence.to_owned(),
        details: match question {
            Question::Environment => vec!["0003 took 6.2 s to connect".to_owned()],
            _ => Vec::new(),
        },
        attributed_to_host: None,
    };
    Verdict {
        answers: vec![
            Answer {
                standing: Standing::Invalid,
                details: vec![
                    "1.000 s to 1.001 s  0015 puts x = \"1\", ok by 0000".to_owned(),
                    "1.100 s to 1.101 s  0016 gets x = \"\", ok by 0003, although the put before it had been \
                     acknowledged and no client wrote that value again"
                        .to_owned(),
                ],
                ..valid(
                    Question::Safety,
                    AnswerKind::Anomaly(checker::Anomaly::StaleRead),
                    "key x: no order of its 4 operations explains what the clients saw; a minimal \
                     counterexample is below",
                )
            },
            valid(
                    Question::Durability,
                    AnswerKind::Durable,
                    "each of the 2 acknowledged puts can have been known to a majority (3 of 5 replicas) before",
                ),
            valid(Question::Process, AnswerKind::Sound, "no replica died by itself"),
            valid(Question::Liveness, AnswerKind::Answered, "answered within 5.000 s of the healing"),
            valid(Question::Environment, AnswerKind::Quiet, "the host did not disturb the run"),
            Answer {
                standing: Standing::Unknown,
                details: vec!["kill_leader at 1.400 s: no leader was known".to_owned()],
                ..valid(Question::Evidence, AnswerKind::Vacuous, "1 of 3 faults could not be injected")
            },
        ],
        is_interrupted: false,
    }
}
