//! What the clients ask: the part of it that chance decides.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::ids::NodeId;
use crate::limits;
use crate::op::F;
use crate::scenario::{Clients, Scenario};
use crate::seed::{self, Seed};
use crate::time::RunTime;

/// The clients' operations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum OperationPlan {
    /// Course clients: each request at its time.
    Course {
        /// In the order of their times.
        requests: Vec<PlannedRequest>,
    },
    /// Shared clients: a closed loop asks as often as it is answered, so the n-th operation of a
    /// client is drawn by number from these seeds, one for each client.
    Shared {
        /// The seed of each client's operations, in the order of clients.
        clients: Vec<Seed>,
    },
}

/// A request of a course client. Which of its own keys it asks for depends on what was acknowledged
/// by then; the draws decide among those.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedRequest {
    /// When, since the start of the run.
    pub at: RunTime,
    /// The client.
    pub client: NodeId,
    /// Get or put; a get before the client's first acknowledged put becomes a put.
    pub f: F,
    /// Whether a put takes a new key, rather than one of the client's own.
    pub takes_new_key: bool,
    /// The key that a put takes if it takes a new one, or has none of its own yet.
    pub new_key: String,
    /// From what it chooses among its own keys, in the order of their writing.
    pub own_key: u64,
}

/// The n-th operation of a shared client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnOperation {
    /// Get or put.
    pub kind: F,
    /// The number of the key.
    pub key: usize,
}

impl OperationPlan {
    /// Draws the operations of `scenario`.
    pub fn draw(scenario: &Scenario, seed: Seed) -> Self {
        let seed = seed.derive("clients");
        match scenario.clients {
            Clients::Course { requests } => {
                Self::Course { requests: draw_course(scenario, requests, seed) }
            }
            Clients::Shared { count, .. } => Self::Shared {
                clients: (0..count as u64).map(|client| Seed(seed.draw(client))).collect(),
            },
        }
    }
}

fn draw_course(scenario: &Scenario, requests: u64, seed: Seed) -> Vec<PlannedRequest> {
    let mut rng = seed.stream("course");
    let phase_ns = RunTime::from(scenario.request_phase).0;
    let at = |n: u64| {
        let offset = u128::from(phase_ns) * u128::from(n) / u128::from(requests.max(1));
        RunTime::from(scenario.start_wait)
            + std::time::Duration::from_nanos(u64::try_from(offset).expect("below the phase"))
    };
    (0..requests)
        .map(|n| PlannedRequest {
            at: at(n),
            client: NodeId::client(
                scenario.replicas,
                seed::index(rng.next_u64(), limits::COURSE_CLIENTS),
            ),
            f: if rng.random_bool(scenario.mix) { F::Get } else { F::Put },
            takes_new_key: rng.random_bool(0.5),
            new_key: random_key(&mut rng),
            own_key: rng.next_u64(),
        })
        .collect()
}

/// 32 random letters and digits.
fn random_key(rng: &mut impl Rng) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    (0..32).map(|_| char::from(ALPHABET[seed::index(rng.next_u64(), ALPHABET.len())])).collect()
}

/// The `n`-th operation of the shared client with this seed.
pub fn draw_shared(client: Seed, n: u64, mix: f64, keys: usize) -> DrawnOperation {
    let kind = if client.fraction(2 * n) < mix { F::Get } else { F::Put };
    DrawnOperation { kind, key: seed::index(client.draw(2 * n + 1), keys) }
}
