//! How long a cluster of five is without a leader: from the kill of the leader to the first put
//! that the new one acknowledges, by the faster election and by the paper's: with timeouts of 100
//! to 300 ms, with lost messages, and with timeouts so close that all replicas stand together.
//!
//! The second table asks the same of the core on a simulated clock, over as many kills as it takes
//! to see the tail.
//!
//! `cargo bench -p replica --bench elections [-- KILLS KILLS_WITH_LOSS KILLS_SIMULATED]`

#[path = "../tests/router/mod.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod router;

#[path = "../proof/outage.rs"]
mod outage;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use replica::core::ElectionRule;
use router::Router;
use serde_json::json;

/// Clusters that run side by side: light enough not to disturb one another.
const CLUSTERS_AT_ONCE: usize = 4;

/// What one kill cost.
struct Outage {
    span: Duration,
    terms: u64,
}

fn main() {
    let counts: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let kills = counts.first().copied().unwrap_or(200);
    let kills_with_loss = counts.get(1).copied().unwrap_or(50);
    println!("election,loss,timeouts_ms,kills,min_ms,median_ms,p90_ms,max_ms,terms_max");
    let situations =
        [(0.0, "300", kills), (0.3, "300", kills_with_loss), (0.0, "101", kills_with_loss)];
    for (loss, timeout_max, kills) in situations {
        for election in ["fast", "paper"] {
            let flags = ["--election", election, "--election-max-ms", timeout_max];
            let mut outages = measure(&flags, loss, kills);
            outages.sort_by_key(|outage| outage.span);
            let ms = |place: usize| outages[place].span.as_secs_f64() * 1e3;
            let last = outages.len() - 1;
            println!(
                "{election},{loss},100-{timeout_max},{},{:.0},{:.0},{:.0},{:.0},{}",
                outages.len(),
                ms(0),
                ms(last / 2),
                ms(last * 9 / 10),
                ms(last),
                outages.iter().map(|outage| outage.terms).max().unwrap_or(0),
            );
        }
    }
    simulate(counts.get(2).copied().unwrap_or(10_000));
}

fn simulate(kills: u64) {
    println!(
        "simulated,election,loss,timeouts_ms,replicas_left,kills,median_ms,p90_ms,p99_ms,max_ms,\
         terms_max"
    );
    let situations = [
        (0.0, 300, 0),
        (0.1, 300, 0),
        (0.3, 300, 0),
        (0.5, 300, 0),
        (0.0, 101, 0),
        (0.0, 300, 1),
        (0.3, 300, 1),
    ];
    for (loss, timeout_max, killed_before) in situations {
        for election in [ElectionRule::Fast, ElectionRule::Paper] {
            let election_max = Duration::from_millis(timeout_max);
            let situation = outage::Situation { loss, election, election_max, killed_before };
            let mut outages = simulated(situation, kills);
            outages.sort_by_key(|outage| outage.span);
            let ms = |place: usize| outages[place].span.as_secs_f64() * 1e3;
            let last = outages.len() - 1;
            println!(
                "simulated,{election:?},{loss},100-{timeout_max},{},{kills},{:.0},{:.0},{:.0},{:.0},{}",
                4 - killed_before,
                ms(last / 2),
                ms(last * 9 / 10),
                ms(last * 99 / 100),
                ms(last),
                outages.iter().map(|outage| outage.terms).max().unwrap_or(0),
            );
        }
    }
}

/// One outage a seed, on both cores: a simulated clock does not mind company.
fn simulated(situation: outage::Situation, kills: u64) -> Vec<outage::Outage> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let of_worker = |first: usize| {
        let seeds = (first as u64..kills).step_by(workers);
        seeds.map(|seed| outage::outage(situation, seed)).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|n| scope.spawn(move || of_worker(n))).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no panics")).collect()
    })
}

fn measure(flags: &[&str], loss: f64, kills: u64) -> Vec<Outage> {
    let next = AtomicU64::new(0);
    let worker = || {
        let mut outages = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= kills {
                return outages;
            }
            outages.push(outage(flags, loss, seed));
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..CLUSTERS_AT_ONCE).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no panics")).collect()
    })
}

/// Kills the leader of a fresh cluster, at a moment that the seed decides.
fn outage(flags: &[&str], loss: f64, seed: u64) -> Outage {
    let seed_flag = seed.to_string();
    let flags: Vec<&str> = flags.iter().copied().chain(["--seed", &seed_flag]).collect();
    let mut router = Router::start(5, seed, &flags);
    router.drops = loss;
    router.complete("put", "key", Some("before"));
    // Anywhere within two heartbeats of the last message.
    router.route_for(Duration::from_millis(seed * 37 % 140));
    let leader = router.leader.clone().expect("a leader that answered");
    let before = term(&mut router);
    router.kill(&leader);
    let killed = Instant::now();
    let mut asked = killed;
    router.answers.clear();
    router.route_until("a put is acknowledged", |router| {
        if asked.elapsed() >= Duration::from_millis(2) {
            asked = Instant::now();
            let to = router.random_replica();
            router.ask(&to, "put", "key", Some("after"));
        }
        router.answers.iter().any(|answer| answer["type"] == "ok")
    });
    let span = killed.elapsed();
    Outage { span, terms: term(&mut router).saturating_sub(before) }
}

/// The highest term that a living replica is in.
fn term(router: &mut Router) -> u64 {
    let living = router.living();
    router.answers.clear();
    for replica in &living {
        let message = json!({"src": router::CLIENT, "dst": replica, "leader": "FFFF",
            "type": "status"});
        router.send(&message);
    }
    let is_status = |answer: &&serde_json::Value| answer["type"] == "status";
    router.route_until("every replica tells its status", |router| {
        router.answers.iter().filter(is_status).count() == living.len()
    });
    let terms = router.answers.iter().filter_map(|answer| answer["term"].as_u64());
    terms.max().unwrap_or(0)
}
