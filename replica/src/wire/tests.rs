//! What is written is read back, and fits.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::core::{
    Append, Appended, BATCH_LIMIT, Body, Command, Elect, Entry, Handover, Id, Index, MESSAGE_LIMIT,
    Message, Operation, Outcome, Position, QueuePlace, Reply, Request, RequestId, Term, Vote,
    batch_length, queue_length,
};

fn text() -> impl Strategy<Value = Arc<str>> {
    prop_oneof!["[a-z]{0,12}", "\\PC{0,40}", "[\u{0}-\u{1f}\"\\\\]{0,200}", "x{1000,3000}"]
        .prop_map(Arc::from)
}

fn id() -> impl Strategy<Value = RequestId> {
    (0..0xFFFF_u16, text()).prop_map(|(client, mid)| RequestId { client: Id(client), mid })
}

fn entry() -> impl Strategy<Value = Entry> {
    let put = (id(), text(), text()).prop_map(|(id, key, value)| Command::Put { id, key, value });
    let command = prop_oneof![1 => Just(Command::Noop), 5 => put];
    (any::<u64>(), command).prop_map(|(term, command)| Entry { term: Term(term), command })
}

fn request() -> impl Strategy<Value = Request> {
    let get = text().prop_map(|key| Operation::Get { key });
    let put = (text(), text()).prop_map(|(key, value)| Operation::Put { key, value });
    (id(), prop_oneof![get, put]).prop_map(|(id, operation)| Request { id, operation })
}

fn position() -> impl Strategy<Value = Position> {
    any::<(u64, u64, u64)>().prop_map(|(term, index, commit)| Position {
        last_term: Term(term),
        last_index: Index(index),
        commit: Index(commit),
    })
}

fn append() -> impl Strategy<Value = Append> {
    let ack = option::of(any::<(u32, u64)>());
    (any::<(u64, u64, u64, u64)>(), vec(entry(), 0..60), ack).prop_map(|(numbers, entries, ack)| {
        let (round, index, term, commit) = numbers;
        Append {
            round,
            prev_index: Index(index),
            prev_term: Term(term),
            entries,
            commit: Index(commit),
            queue_ack: ack.map(|(boot, next)| QueuePlace { boot, next }),
        }
    })
}

fn appended() -> impl Strategy<Value = Appended> {
    let handover = (any::<(u32, u64, u64)>(), vec(request(), 1..60));
    let handover = handover.prop_map(|((boot, first, left), requests)| Handover {
        boot,
        first,
        requests,
        left,
    });
    (any::<(u64, bool, u64)>(), option::of(handover)).prop_map(
        |((round, success, matched), queue)| Appended {
            round,
            success,
            matched: Index(matched),
            queue,
        },
    )
}

fn message() -> impl Strategy<Value = Message> {
    let elect = (any::<bool>(), position())
        .prop_map(|(pre, position)| Body::Elect(Elect { pre, position }));
    let vote =
        (any::<(u64, bool, bool)>(), position()).prop_map(|((term, pre, granted), position)| {
            Body::Vote(Vote { election: Term(term), pre, granted, position })
        });
    let append = append().prop_map(Body::Append);
    let appended = appended().prop_map(Body::Appended);
    let ends = (0..0xFFFF_u16, 0..0xFFFF_u16, 0..u64::MAX / 2, option::of(0..0xFFFF_u16));
    (ends, prop_oneof![elect, vote, append, appended]).prop_map(
        |((from, to, term, leader), body)| Message {
            from: Id(from),
            to: Id(to),
            term: Term(term),
            leader: leader.map(Id),
            body,
        },
    )
}

proptest! {
    #[test]
    fn a_message_is_read_back(message in message()) {
        let bytes = write_message(&message);
        prop_assert_eq!(read(&bytes), Ok(Incoming::Message(message)));
    }

    #[test]
    fn a_batch_that_was_cut_fits(mut message in message()) {
        match &mut message.body {
            Body::Append(append) => append.entries.truncate(batch_length(&append.entries, BATCH_LIMIT)),
            Body::Appended(Appended { queue: Some(queue), .. }) => {
                queue.requests.truncate(queue_length(&queue.requests));
            }
            _ => {}
        }
        prop_assert!(write_message(&message).len() <= MESSAGE_LIMIT);
    }

    /// Simulators may write a message anew.
    #[test]
    fn a_message_written_by_another_hand_is_read_back(message in message()) {
        let value: serde_json::Value = serde_json::from_slice(&write_message(&message)).unwrap();
        let bytes = serde_json::to_vec_pretty(&value).unwrap();
        prop_assert_eq!(read(&bytes), Ok(Incoming::Message(message)));
    }

    #[test]
    fn damage_is_noticed(message in message(), places in vec((0.0..1.0_f64, any::<u8>()), 1..20)) {
        let mut bytes = write_message(&message);
        for (place, byte) in places {
            let length = bytes.len() as f64;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place")]
            let place = (place * length) as usize;
            bytes[place] = byte;
        }
        if let Ok(Incoming::Message(read)) = read(&bytes) {
            prop_assert_eq!(read, message);
        }
    }

    #[test]
    fn garbage_is_not_a_message(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(read(&bytes), Err(Unreadable::Foreign));
    }

    #[test]
    fn a_message_that_lost_its_end_is_none(message in message(), kept in 0.0..1.0_f64) {
        let bytes = write_message(&message);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place")]
        let kept = (kept * bytes.len() as f64) as usize;
        prop_assert_eq!(read(&bytes[..kept]), Err(Unreadable::Foreign));
    }
}

#[test]
fn clients_are_understood_and_answered() {
    let bytes = br#"{"src":"0015","dst":"0000","leader":"FFFF","type":"put","MID":"M","key":"k",
        "value":"v","more":[1,{"x":null}]}"#;
    let id = RequestId { client: Id(0x15), mid: Arc::from("M") };
    let operation = Operation::Put { key: Arc::from("k"), value: Arc::from("v") };
    assert_eq!(read(bytes), Ok(Incoming::Request(Request { id: id.clone(), operation })));
    let answer = |outcome| {
        let reply = Reply { id: id.clone(), leader: None, outcome };
        String::from_utf8(write_reply(Id(0), &reply)).unwrap()
    };
    let head = r#"{"src":"0000","dst":"0015","leader":"FFFF","type":"#;
    assert_eq!(answer(Outcome::Done), format!(r#"{head}"ok","MID":"M"}}"#));
    assert_eq!(answer(Outcome::Fail), format!(r#"{head}"fail","MID":"M"}}"#));
    let value = Outcome::Value(Arc::from(""));
    assert_eq!(answer(value), format!(r#"{head}"ok","MID":"M","value":""}}"#));
}
