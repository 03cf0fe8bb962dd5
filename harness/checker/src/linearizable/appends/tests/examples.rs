//! One history for each thing that can be said of one.

use super::{Answer, Contradiction, Op, borrow, check};
use crate::linearizable::appends::{Anomaly, ExcerptOp};
use crate::model::Call;

/// Calls in lines such as `append 1 at 0-3`, `read 1,2 at 4-5`, `put 7 at 6-`, `read - at 8-9`.
fn calls(lines: &[&str]) -> Vec<Call<Op<u32>>> {
    let call = |line: &&str| {
        let [what, text, _, time] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let elements = text.split(',').filter_map(|element| element.parse().ok()).collect();
        let op = match what {
            "read" => Op::Read(elements),
            "append" => Op::Append(elements),
            _ => Op::Put(elements),
        };
        let (invoke, complete) = time.split_once('-').expect("two places");
        Call { op, invoke: invoke.parse().expect("a place"), complete: complete.parse().ok() }
    };
    lines.iter().map(call).collect()
}

fn found(lines: &[&str]) -> Contradiction {
    let calls = calls(lines);
    match check(&[], &borrow(&calls), &|| false) {
        Answer::Contradiction(found) => found,
        answer => panic!("{answer:?}"),
    }
}

fn order(lines: &[&str]) -> Vec<u32> {
    let calls = calls(lines);
    match check(&[], &borrow(&calls), &|| false) {
        Answer::Linearizable(order) => order,
        answer => panic!("{answer:?}"),
    }
}

/// Which anomaly there is, in which of the calls.
fn assert_found(anomaly: Anomaly, operations: &[u32], lines: &[&str]) {
    let found = found(lines);
    assert_eq!((found.anomaly, &found.operations[..]), (anomaly, operations), "{found:?}");
}

#[test]
fn a_read_is_the_order_of_its_writes() {
    let lines = ["append 1 at 0-10", "append 2 at 1-11", "append 3 at 2-12", "read 3,1,2 at 13-14"];
    assert_eq!(order(&lines), [2, 0, 1, 3]);
}

#[test]
fn an_open_append_took_effect_if_it_was_read_and_is_left_out_if_not() {
    let lines = ["append 1 at 0-", "append 2 at 1-", "read - at 2-3", "read 2 at 4-5"];
    assert_eq!(order(&lines), [2, 1, 3]);
}

#[test]
fn what_no_read_shows_is_hidden_by_a_put() {
    let lines = ["append 1 at 0-9", "append 2 at 1-3", "put 3 at 2-8", "read 3 at 4-5"];
    assert_eq!(order(&lines), [0, 1, 2, 3]);
}

#[test]
fn of_equal_appends_time_tells_which_was_read() {
    let lines = ["append 1 at 0-1", "read 1 at 2-3", "append 1 at 4-5", "read 1,1 at 6-7"];
    assert_eq!(order(&lines), [0, 1, 2, 3]);
}

#[test]
fn of_equal_appends_a_witness_shows_all_that_a_reader_needs() {
    // Without the first read, "read 1" after the second append would be right.
    let lines = ["append 1 at 0-1", "read 1 at 2-3", "append 1 at 4-5", "read 1 at 6-7"];
    assert_found(Anomaly::LostWrite, &[1, 2, 3], &lines);
    // Whichever append the first read shows.
    let lines = ["append 1 at 0-7", "read 1 at 1-2", "append 1 at 3-4", "read 1 at 6-8"];
    assert_found(Anomaly::LostWrite, &[1, 2, 3], &lines);
    // One was over before the read of nothing began, whatever became of the other.
    let lines = ["append 1 at 0-1", "append 1 at 2-6", "read 1 at 4-5", "read - at 3-7"];
    assert_found(Anomaly::LostWrite, &[0, 3], &lines);
}

#[test]
fn a_read_of_something_never_written_is_garbage() {
    let lines = ["append 1 at 0-1", "read 1 at 2-3", "read 1,7 at 4-5"];
    assert_found(Anomaly::GarbageRead, &[2], &lines);
    let lines = ["append 1 at 0-1", "put 7 at 2-3", "read 1,7 at 4-5"];
    assert_found(Anomaly::GarbageRead, &[2], &lines);
}

#[test]
fn a_read_before_its_append_is_of_the_future() {
    let lines = ["append 1 at 0-1", "read 1,2 at 2-3", "append 2 at 4-5"];
    assert_found(Anomaly::FutureRead, &[1, 2], &lines);
}

#[test]
fn an_append_that_is_there_twice_was_duplicated() {
    let lines = ["append 1 at 0-1", "append 2 at 2-3", "read 1,2,1 at 4-5"];
    assert_found(Anomaly::DuplicatedWrite, &[0, 2], &lines);
    let lines = [
        "append 1 at 0-9",
        "read 1 at 1-2",
        "put 2 at 3-4",
        "append 3 at 5-6",
        "read 2,3,1 at 7-8",
    ];
    assert_found(Anomaly::DuplicatedWrite, &[0, 1, 2, 4], &lines);
}

#[test]
fn reads_of_one_sequence_do_not_diverge() {
    let lines = ["append 1 at 0-9", "append 2 at 1-10", "read 1 at 2-3", "read 2,1 at 4-5"];
    assert_found(Anomaly::DivergentReads, &[0, 1, 2, 3], &lines);
}

#[test]
fn a_read_that_goes_back_is_stale_if_a_later_one_does_not() {
    let stale = ["append 1 at 0-9", "read 1 at 1-2", "read - at 3-4", "read 1 at 5-6"];
    assert_found(Anomaly::StaleRead, &[0, 1, 2], &stale);
}

#[test]
fn an_append_that_all_later_reads_miss_is_lost() {
    let lines = ["append 1 at 0-1", "append 2 at 2-3", "read 1 at 4-5", "read 1 at 6-7"];
    assert_found(Anomaly::LostWrite, &[1, 2], &lines);
}

#[test]
fn after_a_put_a_lost_append_takes_the_put_as_well() {
    let lines = ["put 1 at 0-1", "append 2 at 2-3", "read 1 at 4-5"];
    assert_found(Anomaly::LostWrite, &[0, 1, 2], &lines);
    let lines = ["put 1 at 0-3", "append 2 at 2-4", "read 1 at 5-6"];
    assert_eq!(order(&lines), [1, 0, 2]);
}

#[test]
fn a_put_that_was_replaced_does_not_come_back() {
    let lines =
        ["put 1 at 0-9", "read 1 at 1-2", "put 3 at 3-10", "read 3 at 4-5", "read 1 at 6-7"];
    assert_found(Anomaly::ResurrectedValue, &[0, 1, 2, 3, 4], &lines);
}

#[test]
fn appends_one_after_another_are_not_read_the_other_way_round() {
    let lines = ["append 1 at 0-1", "append 2 at 2-3", "read 2,1 at 4-5"];
    assert_found(Anomaly::ReorderedWrites, &[0, 1, 2], &lines);
}

#[test]
fn an_excerpt_shows_only_what_its_own_calls_wrote() {
    let lines = [
        "append 1 at 0-1",
        "append 2 at 2-20",
        "append 3 at 3-4",
        "read 1,3,2 at 5-6",
        "read 1,3 at 7-8",
        "read 1,3,2 at 9-10",
    ];
    let found = found(&lines);
    assert_eq!((found.anomaly, &found.operations[..]), (Anomaly::StaleRead, &[1, 3, 4][..]));
    let ops: Vec<ExcerptOp> = found.excerpt.into_iter().map(|call| call.op).collect();
    let expected = [ExcerptOp::Append(1), ExcerptOp::Read(vec![1]), ExcerptOp::Read(vec![])];
    assert_eq!(ops, expected);
}

#[test]
fn of_several_contradictions_the_shortest_is_shown() {
    let lines = [
        "append 1 at 0-1",
        "append 2 at 10-11",
        "append 3 at 12-13",
        "read 1,2 at 14-15",
        "read - at 20-21",
    ];
    assert_found(Anomaly::LostWrite, &[2, 3], &lines);
}

#[test]
fn texts_that_can_be_cut_in_several_ways_are_left_to_the_search() {
    let text = |text: &str| text.as_bytes().to_vec();
    let call = |op, invoke, complete| Call { op, invoke, complete: Some(complete) };
    let several = [
        call(Op::Append(text("a")), 0, 1),
        call(Op::Append(text("ab")), 2, 20),
        call(Op::Append(text("ba")), 3, 21),
        call(Op::Append(text("b")), 4, 22),
        call(Op::Put(text("z")), 5, 23),
        call(Op::Read(text("aba")), 24, 25),
    ];
    assert_eq!(check(&[], &borrow(&several), &|| false), Answer::NotApplicable);
    let calls: Vec<Call<Op<u8>>> = (1..=12_u32)
        .flat_map(|n| {
            let all: String = (1..=n).map(|n| n.to_string()).collect();
            [
                call(Op::Append(text(&n.to_string())), 4 * n, 4 * n + 1),
                call(Op::Read(text(&all)), 4 * n + 2, 4 * n + 3),
            ]
        })
        .collect();
    assert!(matches!(check(&[], &borrow(&calls), &|| false), Answer::Linearizable(_)));
}
