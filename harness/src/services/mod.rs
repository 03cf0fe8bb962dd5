//! Services that nodes may use: stores of keys with different promises, and a source of timestamps. They are nodes of
//! the network that never fail; what they do is decided by their requests and a seed alone.
//!
//! | service | promise |
//! |---|---|
//! | `lin-kv` | linearizable: each answer is up to date |
//! | `seq-kv` | sequential: a client may read what was, but never goes back, and changes are made to the newest state |
//! | `lww-kv` | eventual: copies that agree in the end, where the last write wins |
//! | `lin-tso` | timestamps that grow |

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::ids::{NodeId, SERVICE_NAMES};
use crate::seed::{self, Seed};

/// Copies of `lww-kv`.
const COPIES: usize = 3;

/// How many of its last changes `seq-kv` may hide from a client.
const HIDDEN: u64 = 16;

/// All services.
#[derive(Debug)]
pub struct Services {
    lin_kv: BTreeMap<String, Value>,
    seq_kv: Sequential,
    lww_kv: LastWriteWins,
    timestamps: u64,
    seed: Seed,
    drawn: u64,
}

/// A store whose clients may see the past.
#[derive(Debug, Default)]
struct Sequential {
    /// By key: the values, each with the number of its change.
    history: BTreeMap<String, Vec<(u64, Value)>>,
    changes: u64,
    /// By client: the last change that it has seen.
    seen: BTreeMap<NodeId, u64>,
}

/// A store of several copies.
#[derive(Debug, Default)]
struct LastWriteWins {
    copies: [BTreeMap<String, (u64, Value)>; COPIES],
    writes: u64,
}

type Body = Map<String, Value>;

/// What a request to a store asks for.
enum Asked {
    Read,
    Write(Value),
    Swap { from: Value, to: Value, creates: bool },
}

impl Services {
    /// All at their beginning; chance comes from this seed.
    pub fn new(seed: Seed) -> Self {
        Self {
            lin_kv: BTreeMap::new(),
            seq_kv: Sequential::default(),
            lww_kv: LastWriteWins::default(),
            timestamps: 0,
            seed,
            drawn: 0,
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.drawn += 1;
        seed::index(self.seed.draw(self.drawn), bound)
    }

    /// The reply of `service` to a request of `client`.
    pub fn reply(&mut self, service: NodeId, client: NodeId, request: &Body) -> Body {
        let mut reply = self.answer(service, client, request);
        if let Some(id) = request.get("msg_id") {
            reply.insert("in_reply_to".to_owned(), id.clone());
        }
        reply
    }

    fn answer(&mut self, service: NodeId, client: NodeId, request: &Body) -> Body {
        let kind = request.get("type").and_then(Value::as_str).unwrap_or_default();
        let is = |n: usize| service == NodeId::service(n);
        if is(3) {
            if kind != "ts" {
                return error(10, &format!("{} knows `ts` only, not `{kind}`", SERVICE_NAMES[3]));
            }
            self.timestamps += 1;
            return object(json!({"type": "ts_ok", "ts": self.timestamps}));
        }
        let key = match (request.get("key"), kind) {
            (Some(key), _) => key.to_string(),
            (None, "read" | "write" | "cas") => return error(12, "there is no `key`"),
            (None, _) => String::new(),
        };
        let field = |name: &str| request.get(name).cloned().unwrap_or_default();
        let asked = match kind {
            "read" => Asked::Read,
            "write" => Asked::Write(field("value")),
            "cas" => Asked::Swap {
                from: field("from"),
                to: field("to"),
                creates: field("create_if_not_exists") == Value::Bool(true),
            },
            other => {
                return error(
                    10,
                    &format!("a store knows `read`, `write` and `cas`, not `{other}`"),
                );
            }
        };
        if is(0) {
            decide(asked, self.lin_kv.get(&key)).unwrap_or_else(|change| {
                let reply = done(&change);
                self.lin_kv.insert(key, change.value);
                reply
            })
        } else if is(1) {
            let hidden = self.below(usize::try_from(HIDDEN).unwrap_or(1)) as u64;
            self.seq_kv.answer(client, key, asked, hidden)
        } else {
            let (copy, other) = (self.below(COPIES), self.below(COPIES));
            self.lww_kv.answer(copy, other, key, asked)
        }
    }
}

/// A change that is to be made.
struct Change {
    kind: &'static str,
    value: Value,
}

fn done(change: &Change) -> Body {
    object(json!({"type": format!("{}_ok", change.kind)}))
}

/// What is answered where the key holds `current`, or the change that is to be made first.
fn decide(asked: Asked, current: Option<&Value>) -> Result<Body, Change> {
    let missing = || error(20, "there is no such key");
    match (asked, current) {
        (Asked::Read, Some(value)) => Ok(object(json!({"type": "read_ok", "value": value}))),
        (Asked::Write(value), _) => Err(Change { kind: "write", value }),
        (Asked::Swap { to, creates: true, .. }, None) => Err(Change { kind: "cas", value: to }),
        (Asked::Read | Asked::Swap { .. }, None) => Ok(missing()),
        (Asked::Swap { from, to, .. }, Some(value)) if *value == from => {
            Err(Change { kind: "cas", value: to })
        }
        (Asked::Swap { from, .. }, Some(value)) => {
            Ok(error(22, &format!("expected {from}, but it is {value}")))
        }
    }
}

impl Sequential {
    fn answer(&mut self, client: NodeId, key: String, asked: Asked, hidden: u64) -> Body {
        let history = self.history.entry(key).or_default();
        let seen = self.seen.entry(client).or_default();
        if matches!(asked, Asked::Read) {
            // Some state that is not older than what this client has seen.
            let at = self.changes.saturating_sub(hidden).max(*seen);
            *seen = at;
            let before = history.iter().rev().find(|(change, _)| *change <= at);
            return decide(asked, before.map(|(_, value)| value)).unwrap_or_default();
        }
        // A change is made to the newest state, which the client then has seen.
        *seen = self.changes;
        match decide(asked, history.last().map(|(_, value)| value)) {
            Ok(reply) => reply,
            Err(change) => {
                self.changes += 1;
                *seen = self.changes;
                let reply = done(&change);
                history.push((self.changes, change.value));
                let oldest = self.changes.saturating_sub(HIDDEN);
                while history.len() > 1 && history[1].0 <= oldest {
                    history.remove(0);
                }
                reply
            }
        }
    }
}

impl LastWriteWins {
    fn answer(&mut self, copy: usize, other: usize, key: String, asked: Asked) -> Body {
        self.merge(copy, other);
        let current = self.copies[copy].get(&key).map(|(_, value)| value);
        decide(asked, current).unwrap_or_else(|change| {
            self.writes += 1;
            let reply = done(&change);
            self.copies[copy].insert(key, (self.writes, change.value));
            reply
        })
    }

    /// One copy learns what another one has.
    fn merge(&mut self, into: usize, from: usize) {
        let news = self.copies[from].clone();
        for (key, (time, value)) in news {
            let known = self.copies[into].get(&key).map_or(0, |(time, _)| *time);
            if time > known {
                self.copies[into].insert(key, (time, value));
            }
        }
    }
}

fn error(code: i64, text: &str) -> Body {
    object(json!({"type": "error", "code": code, "text": text}))
}

fn object(value: Value) -> Body {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Naming;

    fn ask(services: &mut Services, service: usize, client: usize, request: Value) -> Value {
        let client = Naming::Short.node(client);
        services.reply(NodeId::service(service), client, &object(request)).into()
    }

    #[test]
    fn lin_kv_swaps_only_what_is_there() {
        let mut services = Services::new(Seed(1));
        let mut ask = |request| ask(&mut services, 0, 0, request);
        assert_eq!(ask(json!({"type": "read", "key": "x", "msg_id": 4}))["code"], 20);
        assert_eq!(ask(json!({"type": "cas", "key": "x", "from": 1, "to": 2}))["code"], 20);
        let creates =
            json!({"type": "cas", "key": "x", "from": 1, "to": 2, "create_if_not_exists": true});
        assert_eq!(ask(creates)["type"], "cas_ok");
        assert_eq!(ask(json!({"type": "cas", "key": "x", "from": 1, "to": 3}))["code"], 22);
        let read = ask(json!({"type": "read", "key": "x", "msg_id": 9}));
        assert_eq!(read, json!({"type": "read_ok", "value": 2, "in_reply_to": 9}));
        assert_eq!(ask(json!({"type": "write", "key": "x", "value": [1]}))["type"], "write_ok");
        assert_eq!(ask(json!({"type": "delete", "key": "x"}))["code"], 10);
        assert_eq!(ask(json!({"type": "read"}))["code"], 12);
    }

    #[test]
    fn seq_kv_may_be_late_but_never_goes_back_and_each_sees_its_own_writes() {
        let mut services = Services::new(Seed(1));
        let mut last = [0; 2];
        let mut was_late = false;
        for n in 1..=200 {
            ask(&mut services, 1, 0, json!({"type": "write", "key": "x", "value": n}));
            for client in [0, 1] {
                let read = ask(&mut services, 1, client, json!({"type": "read", "key": "x"}));
                let value = read["value"].as_i64().unwrap_or(0);
                assert!(value >= last[client], "{client} goes back");
                last[client] = value;
            }
            assert_eq!(last[0], n, "its own write");
            was_late |= last[1] < n;
        }
        assert!(was_late && last[1] > 100);
    }

    #[test]
    fn lww_kv_agrees_in_the_end_and_timestamps_grow() {
        let mut services = Services::new(Seed(1));
        for n in 1..=50 {
            ask(&mut services, 2, n % 3, json!({"type": "write", "key": "x", "value": n}));
        }
        for n in 0..100 {
            ask(&mut services, 2, n % 3, json!({"type": "read", "key": "x"}));
        }
        assert_eq!(ask(&mut services, 2, 0, json!({"type": "read", "key": "x"}))["value"], 50);
        let mut ts = || ask(&mut services, 3, 0, json!({"type": "ts"}))["ts"].as_u64();
        assert!(ts() < ts());
    }
}
