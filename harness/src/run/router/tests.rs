//! The router without sockets: what arrives is taken out and counted by hand.

use super::*;
use crate::network::counts::DropCause;
use crate::network::course_2016::GivenUpFor;
use crate::seed::Seed;

const IDS: [NodeId; 3] = [NodeId(0), NodeId(1), NodeId(2)];
const CLIENT: NodeId = NodeId(0x13);

fn router(kind: RouterKind) -> Router {
    let settings =
        Settings { replicas: IDS.to_vec(), clients: vec![CLIENT], links: Seed(1), drops: 0.0 };
    let mut router = Router::new(&settings, kind, None, MessageLog::default());
    for id in IDS {
        router.connected(id);
    }
    router.start();
    router
}

/// Reads and routes a packet of a replica, as the run does.
fn packet(router: &mut Router, from: NodeId, text: &str) -> Option<ToClient> {
    let (now, packet) = (RunTime(5), Rc::from(text.as_bytes()));
    let message = router.read(now, from, &packet, text.len())?;
    router.route(now, from, &message, &packet, &BTreeSet::from(IDS))
}

/// The receivers of what has arrived; all is delivered.
fn deliver(router: &mut Router) -> Vec<u16> {
    let mut receivers = Vec::new();
    while let Some((to, message)) = router.next_arrived() {
        receivers.push(to.0);
        router.handed(RunTime(6), to, message, Handed::from(Sent::Delivered));
    }
    receivers
}

fn text(from: u16, to: &str, leader: &str) -> String {
    format!(r#"{{"src":"{from:04X}","dst":"{to}","leader":"{leader}","type":"x"}}"#)
}

#[test]
fn a_message_goes_to_its_receiver_and_a_multicast_to_all_others() {
    let mut router = router(RouterKind::Default);
    assert_eq!(packet(&mut router, IDS[0], &text(0, "0001", "0000")), None);
    assert_eq!(deliver(&mut router), [1]);
    packet(&mut router, IDS[1], &text(1, "FFFF", "0000"));
    assert_eq!(deliver(&mut router), [0, 2]);
    let to_client = ToClient { client: CLIENT, leader: Some(IDS[0]) };
    assert_eq!(packet(&mut router, IDS[0], &text(0, "0013", "0000")), Some(to_client));
    assert!(deliver(&mut router).is_empty());
    assert_eq!(router.crossed(), 3, "a multicast is as many messages as it has receivers");
    assert!(router.protocol().violations.is_empty() && router.protocol().warnings.is_empty());
}

#[test]
fn what_the_protocol_does_not_allow_is_noted() {
    let mut router = router(RouterKind::Default);
    for wrong in ["hello", "{}", &text(0, "0063", "0000")] {
        packet(&mut router, IDS[0], wrong);
    }
    assert!(deliver(&mut router).is_empty());
    packet(&mut router, IDS[0], &text(1, "0002", "0000"));
    packet(&mut router, IDS[0], r#"{"src":"0000","dst":"0001","type":"x"}"#);
    assert_eq!(deliver(&mut router), [2, 1], "they are routed all the same");
    let large = Rc::from([b'x'; 8]);
    assert!(router.read(RunTime(5), IDS[0], &large, 20_000).is_none(), "its end is missing");
    let noted =
        |kinds: &[ProtocolViolation]| kinds.iter().map(|kind| (*kind, 1)).collect::<Vec<_>>();
    let protocol = router.protocol();
    let violations: Vec<_> =
        protocol.violations.iter().map(|(kind, it)| (*kind, it.count)).collect();
    let expected = noted(&[
        ProtocolViolation::NotJson,
        ProtocolViolation::MissingField,
        ProtocolViolation::ForeignSource,
        ProtocolViolation::UnknownDestination,
    ]);
    assert_eq!(violations, expected);
    let warnings: Vec<_> = protocol.warnings.keys().copied().collect();
    let expected =
        [ProtocolWarning::MissingLeader, ProtocolWarning::LargePacket, ProtocolWarning::CutPacket];
    assert_eq!(warnings, expected);
}

#[test]
fn what_a_replica_hands_on_for_a_client_is_delivered_with_a_warning() {
    for source in ["0013", "FFFF"] {
        let mut router = router(RouterKind::Default);
        let request = format!(r#"{{"src":"{source}","dst":"0001","leader":"FFFF","type":"put"}}"#);
        assert_eq!(packet(&mut router, IDS[0], &request), None);
        assert_eq!(deliver(&mut router), [1], "{source}");
        let protocol = router.protocol();
        assert!(protocol.violations.is_empty(), "{source}: {:?}", protocol.violations);
        let warnings: Vec<_> =
            protocol.warnings.iter().map(|(kind, it)| (*kind, it.count)).collect();
        assert_eq!(warnings, [(ProtocolWarning::HandedOn, 1)], "{source}");
    }
    // Another replica's id, and an id that no process has, stay a violation.
    for source in ["0001", "0063"] {
        let mut router = router(RouterKind::Default);
        let forged = format!(r#"{{"src":"{source}","dst":"0002","leader":"FFFF","type":"put"}}"#);
        packet(&mut router, IDS[0], &forged);
        let protocol = router.protocol();
        let violations: Vec<_> = protocol.violations.keys().copied().collect();
        assert_eq!(violations, [ProtocolViolation::ForeignSource], "{source}");
        assert!(protocol.warnings.is_empty(), "{source}");
    }
}

#[test]
fn a_leader_is_known_by_claims_and_forgotten_with_its_death() {
    let mut router = router(RouterKind::Default);
    packet(&mut router, IDS[1], &text(1, "0000", "FFFF"));
    assert_eq!(router.leadership().leader(), None);
    assert!(router.leadership().is_new_claim(IDS[0], Some(IDS[0])));
    packet(&mut router, IDS[0], &text(0, "FFFF", "0000"));
    assert_eq!(router.leadership().leader(), Some(IDS[0]));
    assert!(!router.leadership().is_new_claim(IDS[0], Some(IDS[0])), "it has claimed so before");
    assert!(!router.leadership().is_new_claim(IDS[1], Some(IDS[0])), "it names another");
    router.taken_down(IDS[0]);
    assert_eq!(router.leadership().leader(), None);
    router.died(RunTime(7), IDS[0], "killed by SIGKILL");
    let claims = router.leadership().claims().changes();
    assert_eq!(claims.last().unwrap().died.as_deref(), Some("killed by SIGKILL"));
}

#[test]
fn on_the_smaller_side_of_a_partition_no_claim_is_believed() {
    let mut router = router(RouterKind::Default);
    let sides = [(IDS[0], IDS[1]), (IDS[1], IDS[0]), (IDS[0], IDS[2]), (IDS[2], IDS[0])];
    router.apply(FaultId::Partition, sides, &Rule::Cut);
    packet(&mut router, IDS[0], &text(0, "FFFF", "0000"));
    assert_eq!((router.leadership().leader(), deliver(&mut router)), (None, vec![]));
    packet(&mut router, IDS[1], &text(1, "FFFF", "0001"));
    assert_eq!((router.leadership().leader(), deliver(&mut router)), (Some(IDS[1]), vec![2]));
    router.lift(FaultId::Partition);
    packet(&mut router, IDS[0], &text(0, "FFFF", "0000"));
    assert_eq!(router.leadership().leader(), Some(IDS[0]));
    let lost = router.finish().messages[&(IDS[0], IDS[1], "x".into())].dropped.clone();
    assert_eq!(lost[&DropCause::Partition], 1);
}

#[test]
fn when_the_run_is_over_nothing_is_lost_counted_or_believed_anew() {
    let mut router = router(RouterKind::Default);
    router.apply(FaultId::Partition, [(IDS[0], IDS[1])], &Rule::Cut);
    router.let_all_pass();
    packet(&mut router, IDS[0], &text(0, "0001", "0000"));
    assert_eq!((deliver(&mut router), router.crossed()), (vec![1], 0));
    let traffic = router.finish();
    assert!(traffic.messages.is_empty() && traffic.leadership_claims.is_empty());
}

/// The replicas that the rules of 2016 give up, and why.
fn given_up(router: &mut Router) -> Vec<(u16, GivenUpFor)> {
    let taken = router.course().unwrap().take(RunTime(9));
    taken.into_iter().map(|it| (it.id.0, it.why)).collect()
}

#[test]
fn the_rules_of_2016_give_up_a_replica_that_cannot_be_sent_to() {
    let settings =
        Settings { replicas: IDS.to_vec(), clients: vec![CLIENT], links: Seed(1), drops: 0.0 };
    let mut router = Router::new(&settings, RouterKind::Course2016, None, MessageLog::default());
    router.start();
    for id in &IDS[..2] {
        router.connected(*id);
    }
    packet(&mut router, IDS[0], &text(0, "FFFF", "0000"));
    while let Some((to, message)) = router.next_arrived() {
        router.handed(RunTime(6), to, message, Handed::from(Sent::Gone));
    }
    let expected = [(1, GivenUpFor::HungUp), (2, GivenUpFor::NotConnected)];
    assert_eq!(given_up(&mut router), expected);
    assert_eq!(router.without_trying(IDS[1]), Some(Sent::Gone), "it is not tried again");
    router.connected(IDS[1]);
    assert_eq!(router.without_trying(IDS[1]), None);
    assert!(given_up(&mut router).is_empty(), "each once");
}

#[test]
fn the_rules_of_2016_wait_for_a_full_socket_and_less_long_after_the_first() {
    let mut router = router(RouterKind::Course2016);
    assert_eq!(router.course().unwrap().patience(), limits::DEADLOCK);
    packet(&mut router, IDS[0], &text(0, "FFFF", "0000"));
    for has_unread in [true, false] {
        let (to, message) = router.next_arrived().unwrap();
        let handed = Handed { sent: Sent::WouldBlock, blocked: limits::DEADLOCK, has_unread };
        router.handed(RunTime(6), to, message, handed);
    }
    let expected = [(1, GivenUpFor::Deadlock), (2, GivenUpFor::DoesNotRead)];
    assert_eq!(given_up(&mut router), expected);
    let course = router.course().unwrap();
    assert_eq!(course.patience(), limits::DEADLOCK / 10);
    assert_eq!(course.take_blocked(), 2 * limits::DEADLOCK, "this was the sockets' time");
    assert!(course.take_blocked().is_zero());
}
