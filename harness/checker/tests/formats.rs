//! One history in each format, and texts that are no history in any.

use checker::format::{Format, Reader};
use checker::{ModelName, Options, check};
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
    ];
    for (text, said) in cases {
        let error = verdict(&text).unwrap_err();
        assert!(error.starts_with(said), "{error}");
    }
}

#[test]
fn no_text_makes_a_reader_panic() {
    let texts = [EDN, CSV, LOG, JOURNAL];
    let formats =
        [Format::Jsonl, Format::Edn, Format::JepsenLog, Format::PorcupineJson, Format::Csv];
    for seed in 0..20_000 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut text = texts[rng.random_range(0..texts.len())].as_bytes().to_vec();
        let detected = Format::detect(text.split(|&byte| byte == b'\n').next().unwrap_or_default());
        for _ in 0..rng.random_range(1..6) {
            let at = rng.random_range(0..text.len());
            match rng.random_range(0..3) {
                0 => text[at] = rng.random(),
                1 => text.truncate(at.max(1)),
                _ => text.insert(at, b"[]{}\"\\:#, \n"[rng.random_range(0..11)]),
            }
        }
        let any = formats[rng.random_range(0..formats.len())];
        let format = if rng.random_bool(0.8) { detected } else { any };
        let mut reader = Reader::new(format);
        if text.split(|&byte| byte == b'\n').all(|line| reader.line(line).is_ok())
            && let Ok((history, _)) = reader.finish()
        {
            check(&history, &Options::default());
        }
    }
}
