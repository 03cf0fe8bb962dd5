//! All readers and writers together.

mod cut;
mod damage;
mod detect;
mod linear;
mod malformed;
mod meaning;
mod random;
mod round_trip;

use super::{Format, ParseError, ReadHistory, Reader};
use crate::datum::Datum;
use crate::history::{History, Reading};

/// One file of each format with all of its parts, and how many operations it holds.
const FILES: [(Format, &str, usize); 7] = [
    (
        Format::Jsonl,
        r#"{"schema":1,"kind":"history","model":"kv"}
{"index":3,"time_ns":5,"process":1,"client":"a","type":"invoke","f":"put","key":"x","value":"1","node":null,"error":null}
{"index":4,"time_ns":6,"process":1,"client":"a","type":"ok","f":"put","key":"x","value":"1","node":"b","error":null}
{"index":7,"time_ns":7,"process":1,"client":"\u00e4\ud83d\ude00","type":"invoke","f":"cas","key":"x","value":["1",{"a":[2.50,null]}]}
{"index":9,"time_ns":9,"process":2,"client":"c","type":"invoke","f":"get","key":"x","value":null,"node":null,"error":null}
{"index":10,"time_ns":9,"process":2,"client":"c","type":"ok","f":"get","key":"x","value":"1","node":null,"error":null}
"#,
        3,
    ),
    (
        Format::JepsenJson,
        r#"{"type":"invoke","f":"read","value":null,"process":0,"time":341187643,"index":0}
{"type":":info","f":"start","process":"nemesis","value":{"n1":"kill"},"time":341187644,"index":1}
{"type":":ok","f":":read","value":[1,2],"process":0,"time":341187645,"index":2}
{"type":"invoke","f":"write","value":7,"process":1,"time":341187646,"index":3}
"#,
        2,
    ),
    (
        Format::JepsenJson,
        "[\n  {\n    \"process\": 3,\n    \"type\": \"invoke\",\n    \"f\": \"cas\",\n    \"value\": [3, 4]\n  \
         },\n  {\"process\":3,\"type\":\"fail\",\"f\":\"cas\",\"value\":\"timed-out\"}\n]\n",
        1,
    ),
    (
        Format::PorcupineJson,
        r#"[{"clientId":1,"input":{"op":"put","key":"x","value":"1"},"call":0,"output":{},"return":9},
 {"ClientId":2,"Input":{"Op":0,"Key":"x"},"Call":3,"Output":{"Value":"1"},"Return":12, "Annotations":[1]},
 {"clientId":1,"input":{"op":"cas","key":"x","expected":"1","value":2},"call":20,"output":{"ok":false},"return":25},
 {"clientId":2,"input":{"op":"append","key":"x","value":"3"},"call":30,"return":null}]
"#,
        4,
    ),
    (
        Format::PorcupineEvents,
        r#"[{"ClientId":0,"Kind":false,"Value":{"Op":1,"Key":"x","Value":"1"},"Id":0},
{"ClientId":0,"Kind":false,"Value":{"Op":0,"Key":"x"},"Id":1},
{"ClientId":0,"Kind":true,"Value":{},"Id":0},
{"ClientId":0,"Kind":"ReturnEvent","Value":"1","Id":1},
{"ClientId":7,"Kind":0,"Value":{"op":"cas","key":"x","value":["1","2"]},"Id":0}]
"#,
        3,
    ),
    (
        Format::Csv,
        "process,type,f,key,value,expected,node\n0,invoke,put,x,1,,\n0,ok,put,x,1,,n1\n\
         1,invoke,cas,x,2,1,\n\"1\", refused ,cas,x,,,\n:nemesis,info,kill,,,,\n\
         2,invoke,append,x,\"a,\"\"b\",,\n3,invoke,get,x,,,\n3,ok,get,x,\"1\",,\n",
        4,
    ),
    (
        Format::Csv,
        "\"Process\"\t\"type\"\tf\tvalue\n0\tinvoke\twrite\t[1, {\"a\": 2}]\n0\tok\twrite\t\n\
         1\tinvoke\tread\t\n1\tok\tread\t\"two\nlines\"\n",
        2,
    ),
];

/// Files of the other formats, with an event a line, and how many operations they hold.
const LINES: [(Format, &str, usize); 5] = [
    (
        Format::Edn,
        r#"{:process 0, :type :invoke, :f :write, :value ["x" 1], :time 10, :index 0}
{:process :nemesis, :type :info, :f :start, :value nil, :time 11, :index 1}
#jepsen.history.Op{:process 0, :type :ok, :f :write, :value ["x" 1], :what #{2 [3 "}"] {:a \}}}, :index 2}
{:process 1, :type :invoke, :f :cas, :value [1 "b"], :time 13, :index 3, :error "c"}
"#,
        2,
    ),
    (
        Format::Edn,
        "[0 :invoke :write 1]\n[1 :invoke :cas [1 2]]\n[0 :ok :write 1]\n\
         [1 :fail :cas [1 2] :timeout]\n",
        2,
    ),
    (
        Format::Columns,
        "0\t:invoke\t:write\t1\n:nemesis\t:info\t:start\t\"a [b\"\n0\t:ok\t:write\t1\n\
         1\t:invoke\t:cas\t[1 \"2 3\"]\n1\t:info\t:cas\t[1 \"2 3\"]\ttimed out\n",
        2,
    ),
    (
        Format::JepsenLog,
        "INFO  jepsen.util - 0\t:invoke\t:write\t1\nINFO  jepsen.core - something else\n\
         INFO  jepsen.util - 0\t:ok\t:write\t1\nINFO  jepsen.util - 1\t:invoke\t:cas\t[1 2]\n",
        2,
    ),
    (
        Format::JepsenLog,
        "2025-06-19 11:44:50,029{GMT}\tINFO\t[jepsen worker 0] jepsen.util: 0\t:invoke\t:read\tnil\n\
         2025-06-19 11:44:50,031{GMT}\tINFO\t[jepsen node a] jepsen.db: up\n\
         2025-06-19 11:44:50,035{GMT}\tINFO\t[jepsen worker 0] jepsen.util: 0\t:ok\t:read\t[7 8]\n",
        1,
    ),
];

/// Reads a text in pieces of so many bytes.
fn in_pieces(text: &[u8], format: Format, piece: usize) -> Result<ReadHistory, ParseError> {
    let mut reader = Reader::new(format, Reading::default());
    for piece in text.chunks(piece.max(1)) {
        reader.feed(piece)?;
    }
    reader.finish()
}

/// An operation, with its values spelt out.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    what: String,
    key: Datum,
    argument: Datum,
    result: Datum,
    process: u64,
    /// The index of the invocation, and that of the end.
    events: (u64, Option<u64>),
    times: (u64, Option<u64>),
    client: String,
    node: Option<String>,
}

fn told(history: &History) -> Vec<Told> {
    let operations = history.operations().iter();
    let told = operations.map(|op| Told {
        what: format!("{} {:?} {}", history.name(op.f), op.outcome, op.refused),
        key: history.key(op.key),
        argument: history.value(op.argument),
        result: history.value(op.result),
        process: history.process(op),
        events: (op.invoke_index(), op.complete_index()),
        times: (op.invoke_ns, op.complete_ns()),
        client: history.client(op).to_owned(),
        node: history.node(op).map(str::to_owned),
    });
    told.collect()
}

/// How many random cases there are.
fn cases(few: u64) -> u64 {
    let more = std::env::var("CHECKER_CASES").ok().and_then(|more| more.parse().ok());
    few * more.unwrap_or(1)
}
