//! One history in each format, and texts that are no history in any.

use checker::format::{Format, Reader};
use checker::objects::{self, Form, Object};
use checker::weaker::{self, Guarantee};
use checker::{Budget, ModelName, Options, check};
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

const JOURNAL: &str = r#"{"schema":1,"kind":"history","model":"kv"}
{"index":0,"time_ns":5,"process":1,"client":"a","type":"invoke","f":"put","key":"x","value":"1","node":null,"error":null}
{"index":1,"time_ns":6,"process":1,"client":"a","type":"ok","f":"put","key":"x","value":"1","node":"b","error":null}
{"index":2,"time_ns":7,"process":1,"client":"a","type":"invoke","f":"cas","key":"x","value":["1","2"],"node":null,"error":null}
"#;

const PORCUPINE: &str = r#"[{"clientId":1,"input":{"op":"put","key":"x","value":"1"},"call":0,"output":{},"return":9},
 {"ClientId":2,"Input":{"Op":0,"Key":"x"},"Call":3,"Output":{"Value":"1"},"Return":12},
 {"clientId":1,"input":{"op":"cas","key":"x","expected":"1","value":2},"call":20,"output":{"ok":false},"return":25},
 {"clientId":2,"input":{"op":"append","key":"x","value":"3"},"call":30,"return":null}]
"#;

const OBJECT_EDN: &str = r"[{:process 0 :type :invoke :f :add :value [:a 1]}
 {:process 1 :type :invoke :f :read :value [:a nil]} {:process 0 :type :ok :f :add :value [:a 1]}
 {:process 1 :type :ok :f :read :value [:a #{1 2}] :time 7}
 {:process 2 :type :invoke :f :transfer :value [:a {:from 0 :to 1 :amount 3}]}]
";

const OBJECT_JOURNAL: &str = r#"{"schema":1,"kind":"history","model":"queue"}
{"index":0,"time_ns":5,"process":1,"type":"invoke","f":"enqueue","value":1}
{"index":1,"time_ns":6,"process":1,"type":"ok","f":"enqueue","value":1}
{"process":1,"type":"invoke","f":"drain"}
{"process":1,"type":"ok","f":"drain","value":[1,{"a":null},"b"]}
{"process":1,"type":"invoke","f":"dequeue","key":"k"}
"#;

fn verdict(text: &str) -> Result<&'static str, String> {
    let format = Format::detect(text.lines().next().unwrap_or_default().as_bytes());
    let mut reader = Reader::new(format);
    for line in text.lines() {
        reader.line(line.as_bytes()).map_err(|error| error.to_string())?;
    }
    let model = ModelName::CasRegister;
    let (history, _) = reader.finish().map_err(|error| error.to_string())?;
    Ok(check(&history, &Options { model, ..Options::default() }).verdict.name())
}

#[test]
fn a_refusal_of_what_was_there_is_found_in_every_format() {
    for text in [EDN, CSV, LOG] {
        assert_eq!(verdict(text).as_deref(), Ok("invalid"), "{text}");
    }
    // An error says that nothing was done, which contradicts nobody.
    let failed = EDN.replace(":index 4", ":index 4 :error :timeout");
    assert_eq!(verdict(&failed).as_deref(), Ok("valid"));
}

#[test]
fn errors_name_line_and_what_was_expected() {
    let cases = [
        (EDN.replace(":f :cas", ":f :swap"), "line 5, column 1: found :swap as :f, expected :read"),
        (EDN.replace(":time 13,", ":time }"), "line 5, column "),
        (CSV.replace("1,invoke", "one,invoke"), "line 4, column 1: found \"one\" as process"),
        (CSV.replace("expected", "expectd"), "line 1, column 6: found expectd, expected one of"),
        (LOG.replace(":ok ", ":okay "), "line 2, column 25: found :okay, expected :invoke"),
        (LOG.replace("[1 2]", "[1]"), "line 4, column "),
        (LOG.replace(":write\t1", ":write"), "line 1, column 37: found the end of the line"),
        (CSV.replace("x,1,", "x,\"1,"), "line 2, column 16: found a quotation mark that opens"),
    ];
    for (text, said) in cases {
        let error = verdict(&text).unwrap_err();
        assert!(error.starts_with(said), "{error}");
    }
}

#[test]
fn no_text_makes_a_reader_panic() {
    let texts = [EDN, CSV, LOG, JOURNAL, PORCUPINE];
    let formats =
        [Format::Jsonl, Format::Edn, Format::JepsenLog, Format::PorcupineJson, Format::Csv];
    for seed in 0..40_000 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let text = damaged(&mut rng, &texts);
        let any = formats[rng.random_range(0..formats.len())];
        let format = if rng.random_bool(0.8) { Format::detect(&text) } else { any };
        let is_lenient = rng.random();
        let mut reader = if is_lenient { Reader::lenient(format) } else { Reader::new(format) };
        let separator = reader.separator();
        if text.split_inclusive(|&byte| byte == separator).all(|line| reader.line(line).is_ok())
            && let Ok((history, _)) = reader.finish()
        {
            check(&history, &Options::default());
            for (_, guarantee, _) in Guarantee::NAMES {
                weaker::check(guarantee, &history, &Budget::default());
            }
        }
    }
}

#[test]
fn no_text_makes_a_reader_of_objects_panic() {
    let texts = [OBJECT_EDN, OBJECT_JOURNAL, EDN, JOURNAL];
    for seed in 0..20_000 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let text = damaged(&mut rng, &texts);
        let form = if text.starts_with(b"{\"") { Form::Jsonl } else { Form::Edn };
        let mut reader = objects::Reader::new(form, rng.random());
        if text.split(|&byte| byte == b'\n').all(|line| reader.line(line).is_ok()) {
            let (history, _) = reader.finish();
            for (_, object, _) in Object::NAMES {
                objects::check(object, &history, &Budget::default());
            }
        }
    }
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
