//! Small histories, one for each way to contradict oneself, and what it is called.

use super::super::check::{Options, check};
use crate::event::{EventType, F};
use crate::history::{History, Recorder};
use crate::linearizable::oracle::TextEvent;
use crate::verdict::Verdict;
use crate::witness::{Anomaly, Witness};

/// A history of one key, from lines such as `put a 1 3`: what was done, and from when to when. A
/// `-` for the end: never answered. `cas a:b` swaps `a` for `b`. A `~` is the empty string. A fifth word is the
/// node that answered. The numbers are milliseconds, too. `y.a` is a value of another key.
fn history(lines: &str) -> History {
    let mut events = Vec::new();
    for (process, line) in (0_u64..).zip(lines.split(';')) {
        let words = line.split_whitespace().collect::<Vec<_>>();
        let [f, value, begin, end, ref node @ ..] = words[..] else { panic!("{line:?}") };
        let (expected, value) =
            value.split_once(':').map_or((None, value), |(old, new)| (Some(old), new));
        let (key, value) = value.split_once('.').unwrap_or(("x", value));
        let value = if value == "~" { "" } else { value };
        let f = match f {
            "get" => F::Get,
            "put" => F::Put,
            "cas" => F::Cas,
            _ => F::Append,
        };
        let entry = |at: &str, r#type| {
            let index: u64 = at.parse().unwrap();
            TextEvent {
                index,
                process,
                r#type,
                f,
                key,
                value: (f != F::Get || r#type == EventType::Ok).then_some(value),
                expected,
                refused: false,
                node: node.first().copied(),
            }
        };
        events.push(entry(begin, EventType::Invoke));
        if end != "-" {
            events.push(entry(end, EventType::Ok));
        }
    }
    events.sort_by_key(|event| event.index);
    let mut recorder = Recorder::new();
    for event in &events {
        event.record(&mut recorder);
    }
    recorder.finish().unwrap()
}

fn witness(lines: &str) -> Witness {
    match check(&history(lines), &Options::default()).verdict {
        Verdict::Invalid(witness) => *witness,
        other => panic!("{lines}: {other:?}"),
    }
}

#[track_caller]
fn is(kind: Anomaly, lines: &str) {
    let witness = witness(lines);
    assert_eq!(witness.anomaly, kind, "{lines}: {}", witness.explanation);
    assert!(witness.minimal, "{lines}: {}", witness.explanation);
}

#[test]
fn a_read_of_what_is_replaced_while_the_newer_value_is_still_there_is_stale() {
    is(Anomaly::StaleRead, "put a 1 2; put b 3 4; get a 5 6; get b 7 8");
    is(Anomaly::StaleRead, "put a 1 2; put b 3 4; get b 5 6; get a 7 8; get b 9 10");
    // The first state too, and by an isolated leader several times.
    is(Anomaly::StaleRead, "put a 1 2; get ~ 3 4; get a 5 6; get ~ 7 8; get a 9 10");
    // Nothing else tells: the newer value had been seen.
    is(Anomaly::StaleRead, "put a 1 2; put b 3 4; get b 5 6; get a 7 8");
    // What came after hides whether the newer value was lost.
    is(Anomaly::StaleRead, "put a 1 2; put b 3 4; get b 5 6; get a 7 8; put c 9 10; get c 11 12");
    // A newer value yet, written before the late read.
    is(Anomaly::StaleRead, "put a 1 2; put b 3 4; put c 5 6; get a 7 8; get c 9 10");
    // Seen before the newer write began: its own was never answered, but is older all the same.
    is(Anomaly::StaleRead, "put a 1 -; get a 2 3; put b 4 5; get a 6 7; get b 8 9");
    // A swap took the value away.
    is(Anomaly::StaleRead, "put a 1 2; cas a:b 3 4; get a 5 6; get b 7 8");
}

#[test]
fn an_acknowledged_write_that_is_gone_is_lost() {
    is(Anomaly::LostWrite, "put a 0 1; get ~ 2 3");
    is(Anomaly::LostWrite, "put a 1 2; get ~ 3 4");
    is(Anomaly::LostWrite, "put a 1 2; get a 3 4; get ~ 5 6");
    is(Anomaly::LostWrite, "put a 1 2; put b 3 4; get a 5 6; get a 7 8");
    is(Anomaly::LostWrite, "put a 1 2; put b 3 4; get b 5 6; get a 7 8; get a 9 10");
    is(Anomaly::LostWrite, "put a 1 2; put b 3 4; put c 5 6; get ~ 7 8; get ~ 9 10");
    is(Anomaly::LostWrite, "put a 1 2; put b 3 4; get a 5 6; put c 7 8; get c 9 10");
    is(Anomaly::LostWrite, "put a 1 2; cas a:b 3 4; get a 5 6");
    // The swap was acknowledged, and its value swapped away by an operation that never saw it.
    is(Anomaly::LostWrite, "put a 1 2; cas a:b 3 4; cas a:c 5 6; get c 7 8");
    is(Anomaly::LostWrite, "put a 1 2; cas a:b 3 6; cas a:c 4 5; get c 7 8");
}

#[test]
fn a_lost_write_that_the_contradiction_does_not_list_is_told_with_who_wrote_it_and_when() {
    let told = witness("put a 1 2; put b 3 6; put c 4 5; get a 7 8");
    assert_eq!(told.anomaly, Anomaly::LostWrite);
    assert!(told.operations.iter().all(|op| op.value != Some("c".into())), "{told:?}");
    let who = "No read ever saw what the put of \"c\" (process 2, from 4.000 to 5.000 ms) wrote.";
    assert!(told.explanation.contains(who), "{}", told.explanation);
}

#[test]
fn a_value_that_nobody_wrote_is_from_nowhere() {
    is(Anomaly::GarbageRead, "put a 1 2; get z 3 4");
    is(Anomaly::GarbageRead, "get z 1 2");
    is(Anomaly::GarbageRead, "put a 1 2; cas z:b 3 4");
    // Also where other values were written twice, so that a search decides.
    is(Anomaly::GarbageRead, "put a 1 2; put a 3 4; get z 5 6");
    is(Anomaly::GarbageRead, "append a 1 2; get ab 3 4");
}

#[test]
fn a_value_that_was_not_yet_written_is_from_the_future() {
    is(Anomaly::FutureRead, "get a 1 2; put a 3 4");
    is(Anomaly::FutureRead, "put b 1 2; get a 3 4; put a 5 -");
    is(Anomaly::FutureRead, "append a 1 2; get ab 3 4; append b 5 6");
}

#[test]
fn a_write_whose_value_comes_back_while_it_is_unanswered_took_effect_twice() {
    is(Anomaly::DuplicatedWrite, "put a 1 -; get a 2 3; put b 4 5; get b 6 7; get a 8 9");
    is(
        Anomaly::DuplicatedWrite,
        "put a 1 12; get a 2 3; put b 4 5; get b 6 7; get a 8 9; get a 10 11",
    );
    is(Anomaly::DuplicatedWrite, "append a 1 2; get aa 3 4");
}

#[test]
fn one_replica_whose_state_goes_back_applied_an_old_write_again() {
    is(Anomaly::DuplicatedWrite, "put a 1 2 A; put b 3 4 A; get b 5 6 A; get a 7 8 A");
    is(
        Anomaly::DuplicatedWrite,
        "put a 1 2 A; put b 3 4 A; get b 5 6 A; get a 7 8 A; put c 9 10 A; get c 11 12 A",
    );
    is(
        Anomaly::DuplicatedWrite,
        "put a 1 2 A; put b 3 4 A; get b 5 6 A; get a 7 8 A; get a 9 10 A",
    );
}

#[test]
fn nobody_applied_anything_again_where_another_replica_may_have_led_or_the_first_state_is_back() {
    // Another one answered in between, or the read.
    is(Anomaly::LostWrite, "put a 1 2 A; put b 3 4 A; get b 5 6 A; get a 7 8 B; get a 9 10 A");
    is(Anomaly::StaleRead, "put a 1 2 A; put b 3 4 A; get b 5 6 A; get a 7 8 B");
    is(Anomaly::StaleRead, "put a 1 2 A; put b 3 4 A; get b 5 6 B; get a 7 8 A");
    // It had time to be started again, or to be replaced and elected.
    is(
        Anomaly::LostWrite,
        "put a 1 2 A; put b 3 4 A; get b 5 6 A; get a 207 208 A; get a 209 210 A",
    );
    // The newer value is there again: two copies, of which one is late.
    is(Anomaly::StaleRead, "put a 1 2 A; put b 3 4 A; get b 5 6 A; get a 7 8 A; get b 9 10 A");
    // What was there before any write was not applied at all.
    is(Anomaly::LostWrite, "put a 1 2 A; get a 3 4 A; get ~ 5 6 A");
    // The newer value was never there.
    is(Anomaly::LostWrite, "put a 1 2 A; put b 3 4 A; get a 5 6 A; get a 7 8 A");
}

#[test]
fn a_write_is_not_lost_where_who_acknowledged_it_leads_on_and_who_read_does_not() {
    let isolated = "put a 1 2 A; put b 3 4 B; get a 5 6 A;";
    is(Anomaly::StaleRead, &format!("{isolated} put c 7 8 B; get c 9 10 B"));
    // It leads too, or no leader is known, or not by then.
    is(Anomaly::LostWrite, &format!("{isolated} put c 7 8 B; put d 9 10 A"));
    is(Anomaly::LostWrite, &format!("{isolated} put c 7 8 A; get c 9 10 A"));
    is(Anomaly::LostWrite, &format!("{isolated} put c 1007 1008 B; get c 1009 1010 B"));
    is(Anomaly::LostWrite, "put a 1 2; put b 3 4 B; get a 5 6; put c 7 8 B; get c 9 10 B");
}

#[test]
fn a_write_is_not_lost_where_who_read_has_just_begun_to_answer_and_has_later_ones_soon() {
    let begins = "put a 1 2 A; put b 3 4 A; put y.c 5 6 A; get a 7 8 B;";
    is(Anomaly::StaleRead, &format!("{begins} put d 9 10 B; get y.c 11 12 B"));
    // Nothing later is there; or what is there was not later; or it had answered before.
    is(Anomaly::LostWrite, &format!("{begins} put d 9 10 B; get y.~ 11 12 B"));
    is(Anomaly::LostWrite, "put y.c 0 1 A; put a 2 3 A; put b 4 5 A; get a 7 8 B; get y.c 9 10 B");
    is(
        Anomaly::LostWrite,
        "put a 1 2 A; put b 3 4 A; put y.c 5 6 A; get y.c 7 8 B; get a 407 408 B; put d 409 410 B; get y.c 411 412 B",
    );
    // However long it takes.
    is(
        Anomaly::StaleRead,
        &begins.replace("get a 7 8 B;", "get a 707 708 B; put d 709 710 B; get y.c 2711 2712 B"),
    );
}

#[test]
fn who_catches_up_shows_one_value_after_the_other_and_applies_none_twice() {
    is(Anomaly::StaleRead, "put a 1 3 B; put b 2 4 B; get a 5 6 A; get b 7 8 A");
    is(Anomaly::StaleRead, "put a 1 3 B; put b 2 4 B; get a 5 6 A; get b 7 8 A; get b 9 10 A");
    // Back and forth.
    is(
        Anomaly::DuplicatedWrite,
        "put a 1 3 A; put b 2 4 A; get a 5 6 A; get b 7 8 A; get a 9 10 A",
    );
}

#[test]
fn what_was_replaced_twice_over_and_is_there_for_good_is_back_from_the_dead() {
    let lines = "put a 1 2; put b 3 4; get b 5 6; put c 7 8; get c 9 10; get a 11 12; get a 13 14";
    is(Anomaly::ResurrectedValue, lines);
    // What took its place was seen, but never acknowledged.
    is(Anomaly::ResurrectedValue, "put a 1 2; put b 3 -; get b 4 5; get a 6 7; get a 8 9");
}

#[test]
fn two_values_seen_in_turns_with_neither_older_are_a_split_state() {
    is(
        Anomaly::DivergentReads,
        "put a 1 3; put b 2 4; get a 5 6; get b 7 8; get a 9 10; get b 11 12",
    );
    is(
        Anomaly::DivergentReads,
        "put a 1 3; put b 2 4; cas a:c 5 8; cas a:d 6 7; get c 9 10; get d 11 12",
    );
    is(Anomaly::DivergentReads, "append a 1 5; append b 2 6; get a 3 7; get b 4 8");
}

#[test]
fn a_string_that_lacks_what_was_appended_is_stale_or_the_append_is_lost() {
    is(Anomaly::LostWrite, "append a 1 2; append b 3 4; get a 5 6; get a 7 8");
    is(Anomaly::StaleRead, "append a 1 2; append b 3 4; get a 5 6; get ab 7 8");
    // The append was not acknowledged, but it was seen.
    is(Anomaly::StaleRead, "append a 1 2; append b 3 -; get ab 5 6; get a 7 8; get ab 9 10");
}

#[test]
fn the_sentences_name_operations_by_their_numbers() {
    let told = witness("put a 1 2; put b 3 4; get a 5 6; get b 7 8");
    assert_eq!(
        told.explanation,
        "Stale read on key \"x\": Operation 3 read \"a\". But operation 2 had already overwritten it with \"b\", \
         1 ms before operation 3 began. Later the get that returned \"b\" (process 3, from 7.000 to 8.000 ms) still \
         saw the newer state. So operation 3 returned a stale value."
    );
    let late = told.late.unwrap();
    assert_eq!((late.newer, late.read), (1, 2));
    let lost = witness("put a 1 2; get ~ 3 4").explanation;
    assert!(
        lost.contains("Operation 2 found no value. But operation 1 had already written \"a\""),
        "{lost}"
    );
    assert!(lost.ends_with("No read ever saw the value \"a\". So this write is lost."), "{lost}");
    assert_eq!(witness("put a 1 2; get z 3 4").late, None);
}

#[test]
fn one_replicas_own_order_of_acknowledgements_decides_which_reading_is_wrong() {
    let turns = |first: &str, second: &str| {
        let lines = format!(
            "put a 1 {first}; put b 2 {second}; get a 5 6; get b 7 8; get a 9 10; get b 11 12"
        );
        let told = witness(&lines);
        assert_eq!(told.anomaly, Anomaly::DivergentReads, "{}", told.explanation);
        told.explanation
    };
    let told = turns("3 A", "4 A");
    assert!(
        told.contains("A acknowledged operation 1 before operation 2, so \"b\" is the newer value"),
        "{told}"
    );
    assert!(told.ends_with("is the wrong reading."), "{told}");
    assert!(turns("4 A", "3 A").contains("so \"a\" is the newer value"));
    // Two replicas, or none known: nothing is decided.
    for told in [turns("3 A", "4 B"), turns("3", "4")] {
        assert!(told.ends_with("So two states were read in turns."), "{told}");
    }
}

#[test]
fn a_write_that_is_seen_again_outside_the_history_is_not_lost() {
    use crate::history::{Shown, Sighting};
    let lost = "put a 0 1 0001; get ~ 2 3 0002; get ~ 5 6 0002";
    let told = |node: &str, time_ns: u64, shown, lines| {
        let mut history = history(lines);
        // The write is event 0.
        let sighting = Sighting { value: "a".to_owned(), node: node.to_owned(), time_ns, shown };
        history.note_sightings(vec![sighting]);
        match check(&history, &Options::default()).verdict {
            Verdict::Invalid(witness) => (witness.anomaly, witness.explanation),
            other => panic!("{other:?}"),
        }
    };
    let late = 50_000_000;
    for (node, shown, says) in [
        ("0002", Shown::Message, "at 50.000 ms, 0002 sent the value"),
        ("0003", Shown::Message, "at 50.000 ms, 0003 sent the value"),
        ("0002", Shown::Acknowledgement, "at 50.000 ms, 0002 acknowledged the value"),
    ] {
        let (anomaly, explanation) = told(node, late, shown, lost);
        assert_eq!(anomaly, Anomaly::StaleRead, "{explanation}");
        assert!(explanation.contains(says), "{explanation}");
        assert!(explanation.contains("0002 answered before it had caught up"), "{explanation}");
    }
    // The replica that had it, and what was seen before the read, say nothing.
    assert_eq!(told("0001", late, Shown::Message, lost).0, Anomaly::LostWrite);
    assert_eq!(told("0002", 2_500_000, Shown::Message, lost).0, Anomaly::LostWrite);
    let appended = "append a 0 1 0001; get ~ 2 3 0002; get ~ 5 6 0002";
    assert_eq!(told("0002", late, Shown::Message, appended).0, Anomaly::StaleRead);
    assert_eq!(told("0001", late, Shown::Message, appended).0, Anomaly::LostWrite);
}
