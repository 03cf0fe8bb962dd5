//! Programs that behave oddly get the verdict that they deserve, and disturb no other run.

use crate::support::{Bench, SHORT, each};

/// Runs the odd replica in this way and asserts exit code, and the answer to one question.
#[track_caller]
fn deserves(way: &str, code: i32, question: &str, standing: &str, kind: &str) -> Bench {
    let bench = Bench::new();
    bench.odd(way, SHORT).expect(code);
    let expected = (standing.to_owned(), kind.to_owned());
    assert_eq!(bench.answer(question), expected, "{}", bench.verdict());
    bench
}

#[test]
fn a_store_that_does_nothing_odd_is_valid() {
    deserves("right", 0, "safety", "valid", "linearizable");
}

#[test]
fn a_store_that_acknowledges_puts_and_forgets_some_is_not_consistent() {
    let bench = Bench::new();
    let ended = bench.odd("forgets", SHORT);
    ended.expect(10);
    let (standing, _) = bench.answer("safety");
    assert_eq!(standing, "invalid");
    let verdict = bench.verdict();
    let answer = &verdict["answers"][0];
    let sentence = answer["sentence"].as_str().unwrap();
    assert!(sentence.contains("key \"k"), "the key is named: {sentence}");
    let details: Vec<&str> =
        answer["details"].as_array().unwrap().iter().filter_map(|line| line.as_str()).collect();
    let operations = details.iter().filter(|line| line.contains(". client ")).count();
    assert!((2..=4).contains(&operations), "the few that contradict one another: {details:#?}");
    for line in details.iter().filter(|line| line.contains(". client ")) {
        assert!(line.contains(" ms, ok (events "), "when they happened: {line}");
        ended.expect_words(line.split(',').next().unwrap());
    }
    // The same verdict from the file alone.
    let again = bench.harness(&["check", "results/latest/history.jsonl"]);
    again.expect(10);
    assert!(again.says("k0") || again.says("k1"), "{}", again.stdout);
}

#[test]
fn a_value_that_nobody_wrote_has_its_own_kind() {
    deserves("invents", 10, "safety", "invalid", "garbage read");
}

#[test]
fn a_refused_put_may_or_may_not_have_taken_effect() {
    deserves("refuses", 0, "safety", "valid", "linearizable");
}

#[test]
fn odd_but_allowed_answers_are_no_contradiction() {
    for way in ["empty-list", "answers-twice", "talks-to-itself", "starts-late"] {
        deserves(way, 0, "process", "valid", "sound");
    }
}

#[test]
fn garbage_is_counted_by_kind_with_an_example() {
    let bench = deserves("garbage", 12, "process", "invalid", "protocol");
    let verdict = bench.verdict();
    let details = verdict["answers"][2]["details"].to_string();
    for what in ["not a JSON object", "without `src`", "another's `src`", "unknown `dst`", "`MID`"]
    {
        assert!(details.contains(what), "{what} in {details}");
    }
    assert_eq!(bench.answer("safety").0, "valid", "garbage contradicts nothing");
    deserves("answers-strangely", 12, "process", "invalid", "protocol");
}

#[test]
fn a_replica_that_dies_by_itself_is_told_with_its_last_words() {
    let bench = deserves("dies-midway", 12, "process", "invalid", "died");
    let details = bench.verdict()["answers"][2]["details"].to_string();
    assert!(details.contains("exit status 7; index out of range; log: replicas/"), "{details}");
}

#[test]
fn a_replica_that_hangs_up_and_lives_on_is_told() {
    let bench = deserves("hangs-up", 12, "process", "invalid", "protocol");
    let sentence = bench.verdict()["answers"][2]["sentence"].to_string();
    assert!(sentence.contains("the end of their connection"), "{sentence}");
}

#[test]
fn operations_at_a_given_rate_are_shared_out_among_all_clients() {
    let bench = Bench::new();
    bench.odd("right", SHORT).expect(0);
    let mut asked = std::collections::BTreeMap::<String, u32>::new();
    for row in bench.run().rows("latency.csv") {
        *asked.entry(row["client"].clone()).or_default() += 1;
    }
    let (least, most) = (asked.values().min().unwrap(), asked.values().max().unwrap());
    assert!(asked.len() == 4 && least * 2 > *most, "operations by client: {asked:?}");
}

#[test]
fn redirects_without_end_are_a_matter_of_liveness() {
    deserves("redirects-for-ever", 11, "liveness", "invalid", "unanswered");
}

#[test]
fn living_replicas_that_tell_their_state_must_hold_the_same() {
    let bench = deserves("diverges", 11, "liveness", "invalid", "diverged");
    let details = bench.verdict()["answers"][3]["details"].to_string();
    assert!(details.contains("0004: applied up to 7, digest 0004"), "{details}");
    deserves("agrees", 0, "liveness", "valid", "answered");
    // A program that dies of a message that no protocol asks it to know is not judged for it.
    deserves("dies-of-status", 0, "process", "valid", "sound");
}

#[test]
fn a_flood_a_deaf_peer_and_endless_output_harm_nobody_else() {
    // The peer to which it says what is too large reads half of it, and dies.
    let ways = [("floods", 0), ("does-not-read", 0), ("floods-output", 0), ("large", 12)];
    each(&ways, |&(way, code)| {
        let bench = Bench::new();
        bench.odd(way, SHORT).expect(code);
        assert_eq!(bench.answer("safety").0, "valid", "{way}");
        assert_eq!(bench.answer("liveness").0, "valid", "{way}: the others were answered");
        let log = bench.run().path("replicas/0000/stdout.log");
        let limit = harness::limits::OUTPUT_BYTES + 100;
        assert!(std::fs::metadata(log).unwrap().len() <= limit, "logs are bounded");
    });
}

#[test]
fn more_messages_than_the_workload_allows_end_the_run_as_a_packet_storm() {
    let bench = Bench::new();
    let workload = SHORT.replacen('{', "{\"max_packets\": 5000,", 1);
    bench.odd("floods", &workload).expect(12);
    let details = bench.verdict()["answers"][2]["details"].to_string();
    assert!(details.contains("max_packets"), "{details}");
}

#[test]
fn a_program_that_cannot_run_is_a_matter_of_usage() {
    let bench = Bench::new();
    let ended = bench.odd("exits-at-once", SHORT);
    ended.expect(2);
    ended.expect_words("exits at once (exit status 3");
    ended.expect_words("no such table: replicas");
}

#[test]
fn what_a_program_says_at_too_great_length_is_not_laid_to_the_host() {
    let bench = Bench::new();
    // By the rules of 2016 all must have connected before a client sends.
    let late = SHORT.replace("\"start_wait\": 0", "\"start_wait\": 4");
    let workload = late.replace("\"lifetime\": 5", "\"lifetime\": 6");
    // On a busy host a replica connects too late to be asked anything.
    let speaks = || {
        let mut command = bench.odd_command("answers-at-length", &workload);
        let ended = bench.finish(command.args(["--router", "course-2016"]), 1);
        // Or another replica speaks to it before it has connected, and it is killed for that.
        if bench.answer("process").1 == "host" {
            return false;
        }
        ended.expect(11);
        assert_eq!(bench.answer("liveness"), ("invalid".to_owned(), "unanswered".to_owned()));
        bench.verdict()["warnings"].to_string().contains("longer than 16,384 bytes")
    };
    assert!((0..5).any(|_| speaks()), "{}", bench.verdict());
}
