//! The pool in simulated time: a cluster of names, an agenda, and answers that the tests give.

use serde::Deserialize;

use super::*;
use crate::clients::requests::Found;
use crate::network::rules::FaultId;
use crate::plan::FailIs;
use crate::scenario::Scenario;
use crate::seed::Seed;

fn ms(ms: u64) -> RunTime {
    RunTime(ms * 1_000_000)
}

/// A message of a client, as a replica reads it.
#[derive(Clone, Debug, Deserialize)]
struct Asked {
    #[serde(skip)]
    at: RunTime,
    src: NodeId,
    dst: NodeId,
    leader: NodeId,
    r#type: String,
    #[serde(rename = "MID")]
    mid: String,
    key: String,
    value: Option<String>,
}

/// A pool, and the time in which it lives.
struct Clients {
    pool: Pool,
    now: RunTime,
    alive: BTreeSet<NodeId>,
    agenda: BTreeSet<(RunTime, usize, Wake)>,
    added: usize,
    asked: Vec<Asked>,
    ended: Vec<OperationRecord>,
}

/// What a replica says.
enum Says<'a> {
    Ok(&'a str),
    Fail,
    Redirect(Option<u16>),
}

impl Clients {
    /// Clients of five replicas; the run has no time before the requests.
    fn new(clients: &str) -> Self {
        Self::with(&format!(
            r#""lifetime": 10, "end_wait": 0, "liveness": {{"bound_ms": 2000}}, "clients": {{{clients}}}"#
        ))
    }

    fn with(keys: &str) -> Self {
        let text = format!(r#"{{"start_wait": 0, "replicas": 5, {keys}}}"#);
        let scenario = Scenario::parse("test.json", &text).unwrap();
        let mut plan = Plan::draw(&scenario, Seed(1));
        plan.fail_is = FailIs::Info;
        let mut clients = Self {
            pool: Pool::new(Arc::new(plan)),
            now: RunTime::ZERO,
            alive: (0..5).map(NodeId::replica).collect(),
            agenda: BTreeSet::new(),
            added: 0,
            asked: Vec::new(),
            ended: Vec::new(),
        };
        clients.follow();
        clients.run_until(RunTime::ZERO);
        clients
    }

    fn tell<T>(&mut self, tell: impl FnOnce(&mut Pool, View<'_>) -> T) -> T {
        let view = View { now: self.now, alive: &self.alive, leader: None };
        let told = tell(&mut self.pool, view);
        self.follow();
        told
    }

    fn follow(&mut self) {
        for effect in self.pool.take_effects() {
            match effect {
                Effect::Send { from, to, kind, packet, .. } => {
                    let asked: Asked = serde_json::from_slice(&packet).unwrap();
                    assert_eq!((asked.src, asked.dst, &*asked.r#type), (from, to, kind));
                    self.asked.push(Asked { at: self.now, ..asked });
                }
                Effect::WakeAt(at, wake) => {
                    self.agenda.insert((at, self.added, wake));
                    self.added += 1;
                }
                Effect::Completed(index) => self.ended.push(self.pool.operation(index).clone()),
                Effect::Acknowledged { .. }
                | Effect::AcknowledgedAgain { .. }
                | Effect::Invoke { .. }
                | Effect::Invoked(_) => {}
            }
        }
    }

    /// Lets time pass until `end`, everything due on the way.
    fn run_until(&mut self, end: RunTime) {
        while let Some(&(at, number, wake)) = self.agenda.first().filter(|(at, ..)| *at <= end) {
            self.agenda.remove(&(at, number, wake));
            self.now = self.now.max(at);
            self.tell(|pool, view| pool.wake(wake, view));
        }
        self.now = end;
    }

    /// When something is due next.
    fn next_at(&self) -> RunTime {
        self.agenda.first().unwrap().0
    }

    /// The replica that was asked says this.
    fn answer(&mut self, asked: &Asked, says: &Says<'_>) -> Option<Unexpected> {
        let (kind, leader, value) = match says {
            Says::Ok(value) => (ReplyType::Ok, None, AnsweredValue::Text((*value).to_owned())),
            Says::Fail => (ReplyType::Fail, None, AnsweredValue::OddlyEmpty),
            Says::Redirect(leader) => (ReplyType::Redirect, *leader, AnsweredValue::OddlyEmpty),
        };
        let (from, client, mid, leader) = (asked.dst, asked.src, &*asked.mid, leader.map(NodeId));
        let answer = Reply { from, client, r#type: Some(kind), mid, leader, value };
        self.tell(|pool, view| pool.answer(&answer, view))
    }

    fn last(&self) -> Asked {
        self.asked.last().unwrap().clone()
    }

    /// The operation that the message belongs to.
    fn operation(&mut self, asked: &Asked) -> OperationRecord {
        let Found::Request(request) = self.pool.requests.find(&asked.mid) else { panic!() };
        self.pool.operations[request.operation].clone()
    }
}

const ONE: &str = r#""count": 1, "keys": 1, "timeout_ms": 2000"#;

#[test]
fn a_client_asks_again_as_soon_as_it_is_answered() {
    let mut clients = Clients::new(ONE);
    assert_eq!(clients.asked.len(), 1);
    for n in 1..=1_000 {
        let asked = clients.last();
        assert_eq!((asked.at, clients.asked.len()), (ms(3 * (n - 1)), usize::try_from(n).unwrap()));
        clients.run_until(ms(3 * n));
        assert_eq!(clients.answer(&asked, &Says::Ok("v")), None);
        let operation = clients.operation(&asked);
        assert_eq!((operation.outcome, operation.completed), (Outcome::Ok, Some(ms(3 * n))));
        assert_eq!(operation.node, Some(asked.dst));
    }
    let leaders: BTreeSet<NodeId> = clients.asked[1..].iter().map(|asked| asked.dst).collect();
    assert_eq!(leaders.len(), 1, "the replica that answered is believed to lead");
}

#[test]
fn redirects_are_followed_at_once_then_later_and_later() {
    let mut clients = Clients::new(ONE);
    // Two replicas that point at each other.
    for n in 0..9 {
        let asked = clients.last();
        let other = u16::from(asked.dst == NodeId(1)) + 1;
        clients.answer(&asked, &Says::Redirect(Some(other)));
        if clients.asked.len() < n + 2 {
            clients.run_until(clients.next_at());
        }
        assert_eq!(clients.asked.len(), n + 2);
        assert_eq!(clients.last().dst, NodeId(other), "it asks the one that was named");
        assert_eq!(clients.last().leader, NodeId(other));
    }
    let at: Vec<RunTime> = clients.asked.iter().map(|asked| asked.at).collect();
    assert_eq!(at, [0, 0, 0, 10, 30, 70, 150, 230, 310, 390].map(ms));
    let mids: BTreeSet<&str> = clients.asked.iter().map(|asked| &*asked.mid).collect();
    assert_eq!(mids.len(), 10, "each message under a `MID` of its own");
    let last = clients.last();
    clients.answer(&last, &Says::Ok("v"));
    let operation = clients.operation(&last);
    assert_eq!((operation.redirects, operation.outcome), (9, Outcome::Ok));
    // The next operation begins afresh.
    let next = clients.last();
    clients.answer(&next, &Says::Redirect(None));
    assert_eq!(clients.last().at, next.at);
    assert_eq!(clients.last().leader, NodeId::ANY, "any replica may be asked");
}

#[test]
fn a_redirect_that_comes_twice_is_followed_once() {
    let mut clients = Clients::new(ONE);
    let asked = clients.last();
    assert_eq!(clients.answer(&asked, &Says::Redirect(Some(2))), None);
    assert_eq!(clients.asked.len(), 2);
    assert_eq!(clients.answer(&asked, &Says::Redirect(Some(3))), Some(Unexpected::Duplicate));
    assert_eq!(clients.asked.len(), 2);
    // The operation is done, by whichever of its messages it is acknowledged.
    assert_eq!(clients.answer(&asked, &Says::Ok("v")), None);
    assert_eq!(clients.operation(&asked).outcome, Outcome::Ok);
}

#[test]
fn an_operation_that_is_not_answered_in_time_is_open_for_ever() {
    let mut clients = Clients::new(ONE);
    let asked = clients.last();
    clients.run_until(ms(1_999));
    assert_eq!(clients.asked.len(), 1);
    clients.run_until(ms(2_000));
    let operation = clients.operation(&asked);
    assert_eq!(
        (operation.outcome, operation.error),
        (Outcome::Info, Some(OperationError::TimedOut))
    );
    let next = clients.last();
    assert_eq!((next.at, clients.asked.len()), (ms(2_000), 2));
    let process = clients.operation(&next).process;
    assert_ne!(process, operation.process, "the client goes on under a new identity");
    // A late answer changes nothing, and is no second one.
    clients.run_until(ms(2_400));
    assert_eq!(clients.answer(&asked, &Says::Ok("v")), None);
    assert_eq!(clients.operation(&asked).outcome, Outcome::Info);
    assert_eq!(clients.asked.len(), 2, "nor does the client go on twice");
}

#[test]
fn a_program_that_answers_nobody_in_time_is_waited_for_longer() {
    let mut clients = Clients::new(ONE);
    let asked = clients.last();
    clients.run_until(ms(2_400));
    clients.answer(&asked, &Says::Ok("v"));
    // The operation that began at 2,000 ms is given up when it was to be; the next has twice the time of 2,400 ms.
    clients.run_until(ms(4_000));
    assert_eq!(clients.last().at, ms(4_000));
    clients.run_until(ms(8_799));
    assert_eq!(clients.last().at, ms(4_000));
    clients.run_until(ms(8_800));
    assert_eq!(clients.last().at, ms(8_800));
    // One that did answer in time is just late.
    let mut clients = Clients::new(ONE);
    let first = clients.last();
    clients.answer(&first, &Says::Ok("v"));
    let late = clients.last();
    clients.run_until(ms(2_400));
    clients.answer(&late, &Says::Ok("v"));
    clients.run_until(ms(4_000));
    assert_eq!(clients.last().at, ms(4_000));
    clients.run_until(ms(6_000));
    assert_eq!(clients.last().at, ms(6_000));
}

#[test]
fn a_second_answer_and_answers_to_nothing_are_told() {
    let mut clients = Clients::new(r#""count": 2, "keys": 1, "timeout_ms": 2000"#);
    let asked = clients.asked[0].clone();
    assert_eq!(clients.answer(&asked, &Says::Ok("v")), None);
    assert_eq!(clients.answer(&asked, &Says::Ok("v")), Some(Unexpected::Duplicate));
    assert_eq!(clients.answer(&asked, &Says::Fail), Some(Unexpected::Duplicate));
    let unknown = Asked { mid: "0000FFFF".to_owned(), ..asked.clone() };
    assert_eq!(clients.answer(&unknown, &Says::Ok("v")), Some(Unexpected::UnknownMid));
    let other = Asked { src: clients.asked[1].src, ..clients.asked[2].clone() };
    assert_ne!(other.src, clients.asked[2].src);
    assert_eq!(clients.answer(&other, &Says::Ok("v")), Some(Unexpected::UnknownMid));
    let odd = Reply {
        from: NodeId(0),
        client: clients.asked[1].src,
        r#type: ReplyType::named("maybe"),
        mid: &clients.asked[1].mid.clone(),
        leader: None,
        value: AnsweredValue::OddlyEmpty,
    };
    let told = clients.tell(|pool, view| pool.answer(&odd, view));
    assert_eq!(told, Some(Unexpected::UnknownAnswer));
}

#[test]
fn a_refused_client_goes_on_with_the_next_operation_and_waits_longer_each_time() {
    let mut clients = Clients::with(
        r#""lifetime": 10, "end_wait": 0, "clients": {"count": 1, "keys": 1}, "mix": 0"#,
    );
    let mut at = Vec::new();
    for _ in 0..6 {
        let asked = clients.last();
        at.push(asked.at);
        clients.answer(&asked, &Says::Fail);
        let operation = clients.operation(&asked);
        assert_eq!(
            (operation.outcome, operation.error),
            (Outcome::Info, Some(OperationError::Refused))
        );
        clients.run_until(clients.next_at());
    }
    assert_eq!(at, [0, 0, 0, 10, 30, 70].map(ms));
    let values: BTreeSet<_> = clients.asked.iter().map(|asked| asked.value.clone()).collect();
    assert_eq!(values.len(), clients.asked.len(), "a refused put is not repeated");
}

#[test]
fn a_key_that_is_refused_for_good_after_the_healing_is_empty() {
    let mut clients = Clients::with(
        r#""lifetime": 10, "end_wait": 0, "liveness": {"bound_ms": 2000}, "mix": 0,
           "clients": {"count": 2, "keys": 1, "timeout_ms": 2000}"#,
    );
    let acknowledged = clients.asked[0].clone();
    clients.answer(&acknowledged, &Says::Ok(""));
    let open: Vec<Asked> = clients.asked[1..].to_vec();
    for asked in open {
        clients.answer(&asked, &Says::Ok(""));
    }
    // Those in flight end, then what must be answered is asked.
    let in_flight = clients.asked.len();
    clients.tell(Pool::recover);
    let mut handled = in_flight - 2;
    let mut gone = Vec::new();
    while !clients.pool.is_recovered() {
        let next = clients.next_at();
        while let Some(asked) = clients.asked.get(handled).cloned() {
            handled += 1;
            let is_lost = asked.r#type == "get" && asked.key == "k0";
            let says = if is_lost { Says::Fail } else { Says::Ok("v") };
            if let Some(Unexpected::Gone) = clients.answer(&asked, &says) {
                gone.push((clients.now, clients.operation(&asked)));
            }
        }
        clients.run_until(next.max(clients.now));
        assert!(clients.now < ms(10_000), "it comes to an end");
    }
    assert_eq!(gone.len(), 2, "each client is told so once");
    for (at, operation) in gone {
        assert!(at >= ms(1_000), "not before half of the time in which all must be answered: {at}");
        assert_eq!((operation.outcome, text_of(operation.told())), (Outcome::Ok, Some("")));
        assert!(operation.is_final_read);
    }
}

#[test]
fn half_of_the_clients_ask_the_leaders_side_while_a_partition_lasts() {
    let mut clients =
        Clients::new(r#""count": 6, "keys": 2, "timeout_ms": 500, "partition_affinity": 0.5"#);
    let sides = [(1..5).map(NodeId).collect::<Vec<_>>(), vec![NodeId(0)]];
    let fault = FaultId::Planned(0, 0);
    clients.pool.part(fault, &sides, Some(NodeId(0)));
    let before = clients.asked.len();
    clients.run_until(ms(3_000));
    let mut by_client: BTreeMap<NodeId, BTreeSet<bool>> = BTreeMap::new();
    for asked in &clients.asked[before..] {
        by_client.entry(asked.src).or_default().insert(asked.dst == NodeId(0));
    }
    assert_eq!(by_client.len(), 6);
    assert!(by_client.values().all(|sides| sides.len() == 1), "each keeps to its side");
    let with_leader = by_client.values().filter(|sides| sides.contains(&true)).count();
    assert_eq!(with_leader, 3);
    // The other side's replicas die: the one that is left is asked.
    clients.alive = BTreeSet::from([NodeId(0)]);
    let before = clients.asked.len();
    clients.run_until(ms(4_000));
    assert!(clients.asked[before..].iter().all(|asked| asked.dst == NodeId(0)));
    clients.alive = (0..5).map(NodeId::replica).collect();
    clients.pool.heal(fault);
    let before = clients.asked.len();
    clients.run_until(ms(10_000));
    let asked: BTreeSet<NodeId> = clients.asked[before..].iter().map(|asked| asked.dst).collect();
    assert_eq!(asked.len(), 5, "after the healing all are asked by all");
}

#[test]
fn the_dead_are_not_asked_and_without_any_replica_nothing_is_sent() {
    let mut clients = Clients::new(r#""count": 3, "keys": 2, "timeout_ms": 500"#);
    clients.alive = BTreeSet::from([NodeId(3)]);
    let before = clients.asked.len();
    clients.run_until(ms(2_000));
    assert_eq!(clients.asked.len(), before + 12);
    assert!(clients.asked[before..].iter().all(|asked| asked.dst == NodeId(3)));
    clients.alive.clear();
    clients.run_until(ms(4_000));
    assert_eq!(clients.asked.len(), before + 12);
    clients.alive.insert(NodeId(1));
    clients.run_until(ms(4_500));
    assert_eq!(clients.last().dst, NodeId(1), "the clients have gone on meanwhile");
}

#[test]
fn operations_at_a_rate_begin_when_they_are_due() {
    let mut clients = Clients::with(
        r#""lifetime": 10, "end_wait": 0, "requests": 8,
               "clients": {"count": 4, "keys": 2, "rate": 100, "timeout_ms": 5000}"#,
    );
    let mut handled = 0;
    for at in 0..200 {
        clients.run_until(ms(at));
        while let Some(asked) = clients.asked.get(handled).cloned() {
            handled += 1;
            clients.answer(&asked, &Says::Ok("v"));
        }
    }
    let at: Vec<RunTime> = clients.asked.iter().map(|asked| asked.at).collect();
    assert_eq!(at, [0, 10, 20, 30, 40, 50, 60, 70].map(ms));
    let by: Vec<u16> =
        clients.asked.iter().map(|asked| asked.src.0 - clients.asked[0].src.0).collect();
    assert_eq!(by, [0, 1, 2, 3, 0, 1, 2, 3], "in turn");
}

/// Clients that ask in bursts for 5 s; with `answers`, each question is answered at once. When each was asked.
fn asked_in_bursts(answers: bool) -> Vec<RunTime> {
    let mut clients = Clients::with(
        r#""lifetime": 20, "end_wait": 0,
           "clients": {"count": 100, "keys": 2, "rate": 400, "burst": 20, "timeout_ms": 500}"#,
    );
    let mut handled = 0;
    for at in 0..5_000 {
        clients.run_until(ms(at));
        while let Some(asked) = clients.asked.get(handled).cloned() {
            handled += 1;
            if answers {
                clients.answer(&asked, &Says::Ok("v"));
            }
        }
    }
    clients.asked.iter().map(|asked| asked.at).collect()
}

#[test]
fn without_any_answer_bursts_give_way_to_a_gentle_load_and_with_answers_they_stay() {
    let silence = RunTime(u64::try_from(limits::SILENCE.as_nanos()).unwrap());
    let largest = |at: &[RunTime]| at.chunk_by(|a, b| a == b).map(<[_]>::len).max();

    let served = asked_in_bursts(true);
    let late = served.partition_point(|at| *at <= silence);
    assert_eq!(largest(&served[..late]), Some(20));
    assert_eq!(largest(&served[late..]), Some(20), "answered clients go on in bursts");

    let unserved = asked_in_bursts(false);
    let late = unserved.partition_point(|at| *at <= silence);
    assert_eq!(largest(&unserved[..late]), Some(20));
    assert_eq!(largest(&unserved[late..]), Some(1), "one at a time");
    let seconds = ms(4_999).since(silence).as_secs_f64();
    let most = (limits::GENTLE_RATE * seconds).ceil() + 1.0;
    let asked = u32::try_from(unserved.len() - late).unwrap();
    assert!(f64::from(asked) <= most, "{asked} in {seconds} s");
    assert!(f64::from(asked) > most / 2.0, "{asked} in {seconds} s: they still ask");
}

/// What one client asks that was told that replica 2 leads, with this share of old news.
fn asked_with_old_news(share: f64) -> Vec<Asked> {
    let mut clients =
        Clients::new(&format!(r#""count": 1, "keys": 1, "timeout_ms": 500, "old_news": {share}"#));
    let mut asked = clients.last();
    clients.answer(&asked, &Says::Redirect(Some(2)));
    for at in 1..=1_000 {
        clients.run_until(ms(at));
        asked = clients.last();
        clients.answer(&asked, &Says::Ok("v"));
    }
    clients.asked.split_off(2)
}

#[test]
fn a_share_of_the_requests_names_the_replica_that_is_asked_as_leader() {
    let believers = asked_with_old_news(0.0);
    assert!(believers.iter().all(|it| (it.dst, it.leader) == (NodeId(2), NodeId(2))));
    let asked = asked_with_old_news(0.2);
    assert!(asked.iter().all(|it| it.leader == it.dst), "a replica is asked as the leader");
    // A client believes the replica that served it. Four of five that are drawn are another replica.
    let moves = asked.windows(2).filter(|two| two[0].dst != two[1].dst).count();
    assert!((100..=220).contains(&moves), "{moves} of {}", asked.len());
    let astray: BTreeSet<NodeId> = asked.iter().map(|it| it.dst).collect();
    assert_eq!(astray.len(), 5, "any replica");
}

#[test]
fn old_news_is_of_living_replicas_only() {
    let mut clients = Clients::new(r#""count": 1, "keys": 1, "timeout_ms": 500, "old_news": 1"#);
    clients.alive = BTreeSet::from([NodeId(1), NodeId(3)]);
    let before = clients.asked.len();
    clients.run_until(ms(5_000));
    let asked: BTreeSet<NodeId> = clients.asked[before..].iter().map(|it| it.dst).collect();
    assert_eq!(asked, clients.alive);
}

#[test]
fn probe_reads_ask_each_living_replica_until_the_fault_is_over_and_some_time_more() {
    let mut clients = Clients::with(
        r#""lifetime": 10, "end_wait": 0, "requests": 1,
           "clients": {"count": 1, "keys": 1, "timeout_ms": 100, "probe_reads_ms": 100}"#,
    );
    let put = clients.last();
    assert_eq!(put.r#type, "put", "what was never written is not read");
    clients.answer(&put, &Says::Ok("v"));
    clients.run_until(ms(1_000));
    clients.alive.remove(&NodeId(4));
    let before = clients.asked.len();
    clients.tell(|pool, view| pool.probe_reads(std::time::Duration::from_millis(50), view));
    clients.run_until(ms(9_000));
    let asked = &clients.asked[before..];
    let rounds: BTreeSet<RunTime> = asked.iter().map(|asked| asked.at).collect();
    let expected: Vec<RunTime> = (0..=7).map(|n| ms(1_000 + 20 * n)).collect();
    assert_eq!(rounds.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(asked.len(), 4 * 8);
    assert!(asked.iter().all(|asked| asked.r#type == "get" && asked.dst != NodeId(4)));
}

#[test]
fn a_course_client_repeats_what_was_refused_and_never_gives_up() {
    let mut clients = Clients::with(r#""lifetime": 10, "end_wait": 0, "requests": 20"#);
    clients.run_until(ms(9_000));
    let first = clients.asked[0].clone();
    assert_eq!(first.r#type, "put", "a client that has written nothing does not read");
    clients.answer(&first, &Says::Fail);
    clients.run_until(ms(9_001));
    let again = clients.last();
    assert_eq!((&again.src, &again.key, &again.value), (&first.src, &first.key, &first.value));
    assert_ne!(again.mid, first.mid);
    clients.answer(&again, &Says::Ok(""));
    assert_eq!(clients.operation(&again).outcome, Outcome::Ok);
    let (operations, _, counts) = clients.pool.finish();
    assert_eq!(counts.failed_puts, 1);
    assert_eq!(clients.ended.len(), 2);
    assert_eq!(operations.len(), clients.asked.len() - 2, "the others are still waited for");
    assert!(operations.iter().all(|it| it.error == Some(OperationError::Unanswered)));
}

#[test]
fn no_identity_has_two_operations_at_a_time() {
    let mut clients = Clients::new(r#""count": 4, "keys": 3, "timeout_ms": 40"#);
    let mut handled = 0;
    for step in 0..9_000 {
        clients.run_until(ms(step));
        // Answered soon, late, redirected, refused, or never.
        while let Some(asked) =
            clients.asked.get(handled).filter(|it| it.at + wait(handled) <= clients.now)
        {
            let asked = asked.clone();
            match handled % 7 {
                0..=2 => clients.answer(&asked, &Says::Ok("v")),
                3 => clients.answer(&asked, &Says::Redirect(Some(1))),
                4 => clients.answer(&asked, &Says::Fail),
                _ => None,
            };
            handled += 1;
        }
    }
    let (mut operations, _, _) = clients.pool.finish();
    operations.append(&mut clients.ended);
    operations.sort_by_key(|operation| operation.index);
    assert!(operations.len() > 1_000, "{}", operations.len());
    let mut by_process: BTreeMap<u64, Vec<&OperationRecord>> = BTreeMap::new();
    for operation in &operations {
        by_process.entry(operation.process).or_default().push(operation);
    }
    for operations in by_process.values() {
        for pair in operations.windows(2) {
            assert!(pair[0].completed.is_some_and(|at| at <= pair[1].invoked));
            assert_ne!(pair[0].outcome, Outcome::Info, "no identity goes on after an open end");
        }
    }
}

#[test]
fn what_a_long_run_holds_of_its_operations_does_not_grow() {
    let mut clients = Clients::new(r#""count": 4, "keys": 3, "timeout_ms": 100000"#);
    // One is never answered; the others take turns.
    let mut asked: Vec<Asked> = clients.asked.drain(1..).collect();
    let first = asked[0].clone();
    for _ in 0..limits::ENDED_OPERATIONS {
        for one in std::mem::take(&mut asked) {
            clients.now.0 += 1;
            clients.answer(&one, &Says::Ok("v"));
        }
        asked.extend(clients.asked.drain(1..));
        clients.ended.truncate(1);
    }
    assert_eq!(clients.pool.operations.next_index(), 4 + 3 * limits::ENDED_OPERATIONS);
    assert_eq!(clients.pool.operations.count(), limits::ENDED_OPERATIONS + 4);
    // What one waits for holds up the requests, until it is given up.
    assert!(clients.pool.requests.count() > 2 * limits::ENDED_OPERATIONS);
    let never = clients.asked[0].clone();
    assert!(clients.answer(&never, &Says::Ok("v")).is_none(), "late, but held");
    for _ in 0..limits::ENDED_OPERATIONS / 4 {
        for one in std::mem::take(&mut asked) {
            clients.answer(&one, &Says::Ok("v"));
        }
        asked.extend(clients.asked.drain(1..));
    }
    // What was answered long ago is answered again: that says nothing any more, and is no lie.
    assert!(clients.answer(&first, &Says::Ok("v")).is_none());
    assert_eq!(clients.pool.counts.duplicate_responses, 0);
}

/// How long the n-th message waits for its answer.
fn wait(n: usize) -> std::time::Duration {
    std::time::Duration::from_millis((n as u64 * 7) % 23)
}
