//! Real replica processes over real sockets.

mod router;

use std::time::Duration;

use router::Router;
use serde_json::json;

#[test]
fn what_was_put_is_read_back() {
    let mut router = Router::start(5, 1, &[]);
    for number in 0..50 {
        let value = format!("value {number}");
        assert_eq!(router.complete("put", &format!("key {number}"), Some(&value))["type"], "ok");
    }
    for number in 0..50 {
        let answer = router.complete("get", &format!("key {number}"), None);
        assert_eq!(answer["value"], format!("value {number}"));
    }
    assert_eq!(router.complete("get", "never put", None)["value"], "");
}

#[test]
fn nothing_is_lost_over_two_leader_kills_and_many_lost_messages() {
    let mut router = Router::start(5, 2, &[]);
    router.drops = 0.2;
    for number in 0..60 {
        let (key, value) = (format!("key {}", number % 7), format!("value {number}"));
        assert_eq!(router.complete("put", &key, Some(&value))["type"], "ok");
        assert_eq!(router.complete("get", &key, None)["value"], *value);
        if number == 20 || number == 40 {
            let leader = router.leader.clone().expect("a leader that just answered");
            router.kill(&leader);
        }
    }
}

#[test]
fn a_quiet_cluster_is_nearly_silent() {
    let mut router = Router::start(5, 3, &[]);
    router.complete("put", "key", Some("value"));
    router.messages = 0;
    router.route_for(Duration::from_secs(2));
    // One heartbeat to each of four followers and one answer every 70 ms.
    assert!(router.messages <= 8 * 2_000 / 70 + 8, "{} messages in two seconds", router.messages);
}

#[test]
fn garbage_is_survived() {
    let mut router = Router::start(3, 4, &[]);
    router.complete("put", "key", Some("value"));
    for replica in router.living() {
        for garbage in [&b"not JSON"[..], b"[]", b"{}", b"\xff\xfe", b"{\"src\":\"0015\"}", b"\n"] {
            router.send_bytes(&replica, garbage);
        }
        router.send_bytes(&replica, br#"{"src":1,"dst":2,"leader":3,"type":4}"#);
        router.send(&json!({"src": "0015", "dst": replica, "leader": "FFFF", "type": "dance"}));
        router.send(&json!({"src": "0015", "dst": replica, "leader": "FFFF", "type": "put"}));
    }
    assert_eq!(router.complete("get", "key", None)["value"], "value");
    assert_eq!(router.living().len(), 3);
}

#[test]
fn a_put_delivered_twice_takes_effect_once() {
    let mut router = Router::start(3, 5, &[]);
    router.complete("put", "key", Some("old"));
    let leader = router.leader.clone().expect("a leader that just answered");
    let put = json!({"src": "0015", "dst": leader, "leader": leader, "type": "put",
        "MID": "twice", "key": "key", "value": "first"});
    router.send(&put);
    router.route_until("the first answer", |router| !router.answers.is_empty());
    assert_eq!(router.answers.pop().unwrap()["type"], "ok");
    router.complete("put", "key", Some("second"));
    router.send(&put);
    router.route_until("the second answer", |router| !router.answers.is_empty());
    assert_eq!(router.answers.pop().unwrap()["type"], "ok");
    assert_eq!(router.complete("get", "key", None)["value"], "second");
}

#[test]
fn what_is_on_disk_survives_the_death_of_all() {
    let mut router = Router::start(3, 6, &["--data-dir", "data-{id}"]);
    for round in 0..3 {
        for number in 0..10 {
            let value = format!("value {round}.{number}");
            let put = router.complete("put", &format!("key {number}"), Some(&value));
            assert_eq!(put["type"], "ok");
        }
        router.restart_all();
        for number in 0..10 {
            let answer = router.complete("get", &format!("key {number}"), None);
            assert_eq!(answer["value"], format!("value {round}.{number}"));
        }
    }
}

#[test]
fn replicas_agree_on_their_status() {
    let mut router = Router::start(5, 8, &[]);
    for number in 0..20 {
        router.complete("put", &format!("key {number}"), Some("value"));
    }
    router.route_until("five equal digests", |router| {
        for replica in router.living() {
            let ask = json!({"src": "0015", "dst": replica, "leader": "FFFF", "type": "status"});
            router.send(&ask);
        }
        router.route_until("five answers", |router| router.answers.len() == 5);
        let answers = std::mem::take(&mut router.answers);
        assert!(answers.iter().all(|answer| answer["type"] == "status"));
        answers
            .windows(2)
            .all(|two| two[0]["digest"] == two[1]["digest"] && two[0]["commit"] == two[1]["commit"])
    });
}
