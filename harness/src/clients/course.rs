//! What the course's clients ask next: each reads only what it wrote itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use md5::{Digest, Md5};

use super::requests::OperationIndex;
use crate::op::F;
use crate::plan::PlannedRequest;
use crate::seed;
use crate::time::RunTime;

/// What one course client knows of its keys.
#[derive(Clone, Debug, Default)]
pub struct CourseClient {
    /// The keys of which at least one put was acknowledged, in the order of the first.
    own: Vec<Arc<str>>,
    puts: BTreeMap<Arc<str>, Vec<Put>>,
}

#[derive(Clone, Debug)]
struct Put {
    operation: OperationIndex,
    value: Arc<str>,
    invoked: RunTime,
    acknowledged: Option<RunTime>,
}

/// What is to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Get or put.
    pub kind: F,
    /// The key.
    pub key: Arc<str>,
    /// The value, for a put.
    pub value: Option<Arc<str>>,
}

impl CourseClient {
    /// What the planned request asks, given what was acknowledged so far.
    pub fn next(&self, request: &PlannedRequest) -> Asked {
        let own = || match self.own.len() {
            0 => None,
            count => self.own.get(seed::index(request.own_key, count)),
        };
        let key = match (request.f, own()) {
            (F::Get, Some(key)) => {
                return Asked { kind: F::Get, key: Arc::clone(key), value: None };
            }
            (F::Put, Some(key)) if !request.takes_new_key => Arc::clone(key),
            _ => Arc::from(&*request.new_key),
        };
        // A key's first value is its own digest, each later one the digest of the last.
        let value = digest(self.last_value(&key).unwrap_or(&key));
        Asked { kind: F::Put, key, value: Some(value) }
    }

    fn last_value(&self, key: &Arc<str>) -> Option<&str> {
        let acknowledged = self.puts.get(key)?.iter().rev();
        acknowledged.into_iter().find(|put| put.acknowledged.is_some()).map(|put| &*put.value)
    }

    /// Notes a put as sent.
    pub fn put_sent(
        &mut self,
        operation: OperationIndex,
        key: &Arc<str>,
        value: &Arc<str>,
        now: RunTime,
    ) {
        self.puts.entry(Arc::clone(key)).or_default().push(Put {
            operation,
            value: Arc::clone(value),
            invoked: now,
            acknowledged: None,
        });
    }

    /// Notes a put as acknowledged.
    pub fn put_acknowledged(&mut self, operation: OperationIndex, key: &Arc<str>, now: RunTime) {
        let puts = self.puts.entry(Arc::clone(key)).or_default();
        if puts.iter().all(|put| put.acknowledged.is_none()) {
            self.own.push(Arc::clone(key));
        }
        if let Some(put) = puts.iter_mut().find(|put| put.operation == operation) {
            put.acknowledged = Some(now);
        }
    }

    /// Whether this client, from its own puts alone, knows that a get sent at `asked` cannot be
    /// answered with `value`: a value is possible unless another put followed it, and was
    /// acknowledged, before the get was sent.
    pub fn is_wrong(&self, key: &Arc<str>, value: &str, asked: RunTime) -> bool {
        let puts = self.puts.get(key).map_or(&[][..], Vec::as_slice);
        let is_overwritten = |put: &Put| {
            let Some(end) = put.acknowledged else { return false };
            puts.iter().any(|later| {
                later.invoked > end && later.acknowledged.is_some_and(|done| done < asked)
            })
        };
        !puts.iter().any(|put| &*put.value == value && !is_overwritten(put))
    }
}

fn digest(text: &str) -> Arc<str> {
    let number = u128::from_be_bytes(Md5::digest(text.as_bytes()).into());
    format!("{number:032x}").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NodeId;

    fn request(f: F, takes_new_key: bool) -> PlannedRequest {
        PlannedRequest {
            at: RunTime::ZERO,
            client: NodeId(0x15),
            f,
            takes_new_key,
            new_key: "NEW".into(),
            own_key: 0,
        }
    }

    #[test]
    fn a_get_before_the_first_acknowledged_put_becomes_a_put() {
        let mut client = CourseClient::default();
        let first = client.next(&request(F::Get, false));
        assert_eq!((first.kind, &*first.key), (F::Put, "NEW"));
        let value = first.value.unwrap();
        assert_eq!(value, digest("NEW"));
        client.put_sent(0, &first.key, &value, RunTime(1));
        assert_eq!(client.next(&request(F::Get, false)).kind, F::Put);
        client.put_acknowledged(0, &first.key, RunTime(2));
        assert_eq!(client.next(&request(F::Get, false)).kind, F::Get);
        let again = client.next(&request(F::Put, false));
        assert_eq!((&*again.key, again.value.unwrap()), ("NEW", digest(&value)));
    }

    #[test]
    fn only_an_overwritten_or_unknown_value_is_wrong() {
        let mut client = CourseClient::default();
        let key: Arc<str> = "k".into();
        let values: Vec<Arc<str>> = ["a", "b", "c"].map(Arc::from).to_vec();
        client.put_sent(0, &key, &values[0], RunTime(10));
        client.put_acknowledged(0, &key, RunTime(20));
        client.put_sent(1, &key, &values[1], RunTime(30));
        client.put_sent(2, &key, &values[2], RunTime(35));
        client.put_acknowledged(2, &key, RunTime(40));
        let wrong = |value: &str, asked| client.is_wrong(&key, value, RunTime(asked));
        assert!(wrong("x", 50) && wrong("", 50), "never written");
        assert!(wrong("a", 50), "overwritten by c before the get");
        assert!(!wrong("a", 38), "c was not acknowledged then");
        assert!(!wrong("b", 50) && !wrong("c", 50), "b is still unresolved");
    }
}
