//! Single stories that chance finds too seldom, told to three cores step by step.

use std::time::Duration;

use replica::core::{
    Append, Body, Command, Id, Index, Input, Message, Now, Operation, Outcome, Output, Replica,
    Reply, Request, RequestId, Saved, Time,
};
use replica::profile::Profile;

/// Three cores, a clock that stands still until it is moved, and what is under way.
struct Cluster {
    replicas: Vec<Replica>,
    time: Time,
    network: Vec<Message>,
    replies: Vec<(Id, Reply)>,
}

impl Cluster {
    fn new() -> Self {
        let replicas = (0..3).map(|id| Self::replica(id, 1)).collect();
        Self { replicas, time: Time(1), network: Vec::new(), replies: Vec::new() }
    }

    /// A replica that has nothing, in this life.
    fn replica(id: u16, boot: u32) -> Replica {
        let peers = (0..3).filter(|other| *other != id).map(Id).collect();
        let mut config = Profile::Course.config(Id(id), peers);
        config.boot = boot;
        Replica::new(config.into(), Saved::default(), Now { time: Time(1), jitter: 0 })
    }

    fn pass(&mut self, millis: u64) {
        self.time = self.time + Duration::from_millis(millis);
    }

    fn drive(&mut self, id: Id, change: impl FnOnce(&mut Replica, Now)) {
        let now = Now { time: self.time, jitter: 0 };
        let replica = &mut self.replicas[usize::from(id.0)];
        change(replica, now);
        replica.flush(now);
        for output in replica.take_effects().1 {
            match output {
                Output::Send(message) => self.network.push(message),
                Output::Reply(reply) => self.replies.push((id, reply)),
            }
        }
    }

    fn input(&mut self, id: Id, input: Input) {
        self.drive(id, |replica, now| replica.step(now, input));
    }

    /// Delivers what is under way, and what comes of it, but for what is lost. Says how many
    /// messages that were.
    fn deliver(&mut self, lost: impl Fn(&Message) -> bool) -> usize {
        let mut messages = 0;
        while !self.network.is_empty() {
            messages += 1;
            assert!(messages < 1_000, "messages without end");
            let message = self.network.remove(0);
            if !lost(&message) {
                self.input(message.to, Input::Message(message));
            }
        }
        messages
    }

    fn elect(&mut self, id: Id, lost: impl Fn(&Message) -> bool) {
        self.drive(id, Replica::election_timeout);
        self.deliver(lost);
        assert!(self.replicas[usize::from(id.0)].is_leader(), "{id} is elected");
    }
}

fn request(mid: &str, operation: Operation) -> Request {
    Request { id: RequestId { client: Id(0x15), mid: mid.into() }, operation }
}

fn put(mid: &str) -> Request {
    request(mid, Operation::Put { key: "key".into(), value: "value".into() })
}

fn get(mid: &str) -> Request {
    request(mid, Operation::Get { key: "key".into() })
}

/// It is unknown whether the leader that died had answered: the next one answers again, and says the
/// same.
#[test]
fn a_request_is_answered_twice_if_its_leader_dies_before_it_acknowledges_it() {
    let (first, second, holder) = (Id(0), Id(1), Id(2));
    let mut cluster = Cluster::new();
    cluster.input(holder, Input::Request(put("M1")));
    cluster.input(holder, Input::Request(get("M2")));
    assert_eq!((cluster.replicas[2].queued(), cluster.replies.len()), (2, 0));
    // The acknowledgement never arrives.
    cluster.elect(first, |message| {
        matches!(&message.body, Body::Append(Append { queue_ack: Some(_), .. }))
    });
    assert_eq!(cluster.replicas[2].queued(), 2, "kept until acknowledged");
    let answers = std::mem::take(&mut cluster.replies);
    // The first leader is dead.
    cluster.pass(150);
    cluster.elect(second, |message| message.to == first);
    assert_eq!(cluster.replicas[2].queued(), 0, "acknowledged");
    for (answers, leader) in [(&answers, first), (&cluster.replies, second)] {
        let mut said: Vec<_> =
            answers.iter().map(|(from, reply)| (*from, &*reply.id.mid, &reply.outcome)).collect();
        said.sort_by_key(|(_, mid, _)| *mid);
        let value = Outcome::Value("value".into());
        assert_eq!(said, [(leader, "M1", &Outcome::Done), (leader, "M2", &value)]);
    }
    let log = cluster.replicas[1].log().from(Index(1));
    let puts = log.iter().filter(|entry| matches!(&entry.command, Command::Put { .. })).count();
    assert_eq!(puts, 1, "takes effect once");
}

/// Rounds are numbered anew in each term. An append of an older term that arrives late is answered
/// in the new one, and must not pass for an answer to a round that its sender has not begun.
#[test]
fn an_answer_to_an_older_term_proves_no_round_of_the_new_one() {
    let leader = Id(0);
    let mut cluster = Cluster::new();
    cluster.elect(leader, |_| false);
    for _ in 0..10 {
        cluster.pass(1);
        cluster.drive(leader, |replica, _| replica.heartbeat_timeout());
        cluster.deliver(|_| false);
    }
    cluster.pass(1);
    cluster.drive(leader, |replica, _| replica.heartbeat_timeout());
    let late = std::mem::take(&mut cluster.network);
    assert_eq!(late.len(), 2);
    cluster.drive(leader, Replica::quorum_timeout);
    cluster.pass(200);
    cluster.elect(leader, |_| false);
    // Its lease is over when a client asks, and nothing but the late appends arrives.
    cluster.pass(200);
    cluster.replies.clear();
    cluster.input(leader, Input::Request(get("M1")));
    let round = std::mem::replace(&mut cluster.network, late);
    cluster.deliver(|_| false);
    assert_eq!(cluster.replies, [], "a get is answered without proof of leadership");
    cluster.network = round;
    cluster.deliver(|_| false);
    assert_eq!(cluster.replies.len(), 1, "answered with it");
}

/// A replica that comes back under its id without its disk refuses what fits on what it had. It is
/// given everything again, in a few messages.
#[test]
fn a_follower_that_has_lost_its_disk_is_filled_again() {
    let (leader, emptied) = (Id(0), Id(2));
    let mut cluster = Cluster::new();
    cluster.elect(leader, |_| false);
    for number in 0..10 {
        cluster.input(leader, Input::Request(put(&format!("M{number}"))));
        cluster.deliver(|_| false);
    }
    assert_eq!(cluster.replicas[2].log().last_index(), Index(11));
    cluster.replicas[2] = Cluster::replica(emptied.0, 2);
    cluster.pass(70);
    cluster.input(leader, Input::Tick);
    let messages = cluster.deliver(|_| false);
    assert!(messages <= 10, "{messages} messages");
    assert_eq!(cluster.replicas[2].log(), cluster.replicas[0].log());
}

/// Where only small messages pass, a leader goes over to small ones, and does not flood the way there
/// with large ones, however often it is asked.
#[test]
fn what_does_not_pass_for_its_size_is_sent_in_smaller_messages() {
    let leader = Id(0);
    let too_large = |message: &Message| matches!(&message.body, Body::Append(append) if append.entries.len() > 1);
    let mut cluster = Cluster::new();
    cluster.elect(leader, |_| false);
    for number in 0..20 {
        cluster.input(leader, Input::Request(put(&format!("M{number}"))));
    }
    cluster.network.clear();
    let mut rounds = 0;
    while cluster.replicas[0].commit() < Index(21) {
        cluster.pass(70);
        cluster.input(leader, Input::Tick);
        cluster.input(leader, Input::Request(get(&format!("G{rounds}"))));
        let messages = cluster.deliver(too_large);
        rounds += 1;
        assert!(messages <= 40 && rounds < 200, "{messages} messages in round {rounds}");
    }
    let done = cluster.replies.iter().filter(|(_, reply)| reply.outcome == Outcome::Done);
    assert_eq!(done.count(), 20, "every put is answered");
}

/// A leader's puts lose their places to another leader's entry, and before that is committed the first one
/// leads again and gives the same places to other puts. No request is forgotten over it.
#[test]
fn a_put_whose_place_was_given_to_another_put_is_answered() {
    let (first, second) = (Id(0), Id(1));
    let is_append = |message: &Message| matches!(message.body, Body::Append(_));
    let mut cluster = Cluster::new();
    cluster.elect(first, |_| false);
    for mid in ["M1", "M2", "M3"] {
        cluster.input(first, Input::Request(put(mid)));
    }
    cluster.network.clear();
    // The second leader's first entry reaches only the first leader.
    cluster.pass(200);
    cluster.elect(second, |message| {
        message.from == first || is_append(message) != (message.to == first)
    });
    assert_eq!(cluster.replicas[0].log().last_index(), Index(2));
    cluster.pass(200);
    cluster.elect(first, |message| {
        message.from == second || message.to == second || is_append(message)
    });
    cluster.input(first, Input::Request(put("M4")));
    cluster.network.clear();
    cluster.replies.clear();
    for _ in 0..5 {
        cluster.pass(70);
        cluster.input(first, Input::Tick);
        cluster.deliver(|message| message.from == second || message.to == second);
    }
    let mut said: Vec<_> =
        cluster.replies.iter().map(|(_, reply)| (&*reply.id.mid, &reply.outcome)).collect();
    said.sort_by_key(|(mid, _)| *mid);
    let done = ["M1", "M2", "M3", "M4"].map(|mid| (mid, &Outcome::Done));
    assert_eq!(said, done);
}
