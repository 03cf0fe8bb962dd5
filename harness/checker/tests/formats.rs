//! Texts that are no history, or nearly one: no reader and no model panics on them.

use checker::format::{self, Format};
use checker::models::MODELS;
use checker::{Budget, Options, Reading, check, guess};
use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

const EDN: &str = r#"[{:type :invoke, :f :write, :value ["x" 1], :process 0, :time 10, :index 0}
 {:type :info, :f :start, :value nil, :process :nemesis, :time 11, :index 1}
 {:type :ok, :f :write, :value ["x" 1],
  :process 0, :time 12, :index 2}
 {:type :invoke, :f :cas, :value ["x" [1 2]], :process 1, :time 13, :index 3}
 {:type :fail, :f :cas, :value ["x" [1 2]], :process 1, :time 14, :index 4}]
"#;

const CSV: &str = "process,type,f,key,value,expected
0,invoke,put,x,1,
0,ok,put,x,1,
1,invoke,cas,x,2,1
1,refused,cas,x,2,1
";

const LOG: &str = "INFO  jepsen.util - 0\t:invoke\t:write\t1
INFO  jepsen.util - 0   :ok     :write  1
INFO  jepsen.core - something else
INFO  jepsen.util - 1\t:invoke\t:cas\t[1 2]
INFO  jepsen.util - 1\t:fail\t:cas\t[1 2]
";

const JOURNAL: &str = r#"{"schema":1,"kind":"history","model":"queue"}
{"index":0,"time_ns":5,"process":1,"client":"a","type":"invoke","f":"enqueue","value":1}
{"index":1,"time_ns":6,"process":1,"type":"ok","f":"enqueue","value":1}
{"process":1,"type":"invoke","f":"drain"}
{"process":1,"type":"ok","f":"drain","value":[1,{"a":null},"b"]}
{"process":1,"type":"invoke","f":"dequeue"}
"#;

const PORCUPINE: &str = r#"[{"clientId":1,"input":{"op":"put","key":"x","value":"1"},"call":0,"output":{},"return":9},
 {"ClientId":2,"Input":{"Op":0,"Key":"x"},"Call":3,"Output":{"Value":"1"},"Return":12},
 {"clientId":1,"input":{"op":"cas","key":"x","expected":"1","value":2},"call":20,"output":{"ok":false},"return":25},
 {"clientId":2,"input":{"op":"append","key":"x","value":"3"},"call":30,"return":null}]
"#;

const OBJECT: &str = r"[{:process 0 :type :invoke :f :add :value [:a 1]}
 {:process 1 :type :invoke :f :read :value [:a nil]} {:process 0 :type :ok :f :add :value [:a 1]}
 {:process 1 :type :ok :f :read :value [:a #{1 2}] :time 7}
 {:process 2 :type :invoke :f :acquire :value [:a 5]}]
";

const COLUMNS: &str =
    "0\t:invoke\t:push\t1\n0\t:ok\t:push\t1\n1\t:invoke\t:pop\tnil\n1\t:ok\t:pop\t1\n";

#[test]
fn no_text_makes_a_reader_or_a_model_panic() {
    let texts = [EDN, CSV, LOG, JOURNAL, PORCUPINE, OBJECT, COLUMNS];
    let mut read = 0;
    for seed in 0..30_000 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let text = damaged(&mut rng, &texts);
        let (_, any) = Format::NAMES[rng.random_range(0..Format::NAMES.len())];
        let format = if rng.random_bool(0.8) { Format::detect(&text) } else { Some(any) };
        let reading = Reading { is_lenient: rng.random(), ..Reading::default() };
        let Some(Ok(found)) = format.map(|format| format::read(&text, format, reading)) else {
            continue;
        };
        read += 1;
        guess(&found.history);
        for info in &MODELS {
            let budget = Budget { steps: 20_000, ..Budget::default() };
            check(&found.history, &Options { model: info.model, budget, ..Options::default() });
        }
    }
    assert!(read > 3_000, "only {read} texts were histories");
}

/// One of the texts with up to five bytes changed, cut off or put in.
fn damaged(rng: &mut ChaCha8Rng, texts: &[&str]) -> Vec<u8> {
    let mut text = texts[rng.random_range(0..texts.len())].as_bytes().to_vec();
    for _ in 0..rng.random_range(1..6) {
        let at = rng.random_range(0..text.len());
        match rng.random_range(0..4) {
            0 => text[at] = rng.random(),
            1 if rng.random() => text.truncate(at.max(1)),
            2 => text[at] = b"0123456789"[rng.random_range(0..10)],
            _ => text.insert(at, b"[]{}\"\\:#, \n"[rng.random_range(0..11)]),
        }
    }
    text
}
