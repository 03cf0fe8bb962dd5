//! Which format a file is, and what is none.

use super::*;

/// Files of formats that have tests of their own.
const OTHERS: [(Format, &str); 4] = [
    (Format::Edn, "[{:type :invoke, :f :read, :value nil, :process 0}]"),
    (Format::Edn, "[0 :invoke :write 1]\n"),
    (Format::Columns, "0\t:invoke\t:write\t1\n"),
    (Format::JepsenLog, "INFO  jepsen.util - 0\t:invoke\t:write\t1\n"),
];

#[test]
fn each_format_is_told_from_the_others() {
    for (format, text, _) in FILES {
        assert_eq!(Format::detect(text.as_bytes()), Some(format), "{text}");
        let first = text.lines().next().unwrap();
        if first.len() > 1 {
            assert_eq!(Format::detect(format!("\n \r\n{text}").as_bytes()), Some(format), "{text}");
        }
    }
    for (format, text) in OTHERS {
        assert_eq!(Format::detect(text.as_bytes()), Some(format), "{text}");
    }
    for (name, format) in Format::NAMES {
        let here = FILES.iter().map(|(known, ..)| *known);
        let mut known = here.chain(OTHERS.iter().map(|(known, _)| *known));
        assert!(known.any(|known| known == format), "{name}");
    }
}

#[test]
fn a_few_bytes_of_a_long_object_are_enough() {
    let long = format!("{{\"process\":0,\"type\":\"ok\",\"value\":[{}", "1,".repeat(5000));
    assert_eq!(Format::detect(long.as_bytes()), Some(Format::JepsenJson));
}

#[test]
fn what_is_no_history_is_no_format() {
    let workload = r#"{"name":"late","replicas":3,"clients":{"count":4,"type":"x","process":1},
        "events":[{"type":"partition","time":1,"process":2,"f":"x"}]}"#;
    for text in [
        "",
        " ",
        "\n\n\r\n\t",
        workload,
        "{}",
        "[]",
        "[1,2]",
        "7",
        "null",
        "\"process\"",
        "[[{\"process\":0,\"type\":\"ok\"}]]",
        "{\"process\" 1}",
        "{process:1,type:\"ok\"}",
        "<!DOCTYPE html><html><body>type,process,f</body></html>",
        "hello, world\n",
        "a,b,c\n1,2,3\n",
        "process,type\n0,ok\n",
        "process,type,f,colour\n0,ok,read,red\n",
        "\u{1f}\u{8b}\u{8}",
        "{\"process\":0,\"type\":\u{0}",
    ] {
        assert_eq!(Format::detect(text.as_bytes()), None, "{text}");
    }
    assert_eq!(Format::detect(&[0xff, 0xfe, b'{', 0, b'"', 0]), None);
    assert_eq!(Format::detect(b"\xef\xbb\xbf"), None);
}
