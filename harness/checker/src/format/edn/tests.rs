//! The grammar, value by value, and the cuts.

use super::*;
use crate::datum::{Datum, Encoded, Encoder};

fn form(text: &str) -> Form<'_> {
    Form { bytes: text.as_bytes(), begin: Place { line: 1, column: 1 }, indent: 1 }
}

/// The one value of a text.
fn value(text: &str) -> Result<Datum, Wrong> {
    let form = form(text);
    let mut walker = Walker::new(&form);
    let mut encoder = Encoder::default();
    walker.blanks(1)?;
    // What is passed over is as long as what is read.
    let mut skipped = walker.clone();
    let skip = skipped.skip(1);
    walker.value(&mut encoder, 1)?;
    assert_eq!(skip, Ok(()), "{text}");
    assert_eq!(skipped.at(), walker.at(), "{text}");
    walker.blanks(1)?;
    assert_eq!(walker.at(), text.len(), "{text}");
    Ok(Encoded::new(encoder.bytes()).datum())
}

#[test]
fn every_kind_of_value_is_read() {
    for (text, shown) in [
        ("nil", "nil"),
        (" true", "true"),
        ("false,", "false"),
        ("7", "7"),
        ("-7", "-7"),
        ("+7", "7"),
        ("7N", "7"),
        ("7.0", "7"),
        ("1.0M", "1"),
        ("1e3", "1000"),
        ("1.5E-1", "0.15"),
        ("6/8", "3/4"),
        ("123456789012345678901234567890N", "123456789012345678901234567890"),
        ("0", "0"),
        ("##Inf", "##Inf"),
        ("##-Inf", "##-Inf"),
        ("##NaN", "##NaN"),
        (r#""""#, r#""""#),
        (r#""a b""#, r#""a b""#),
        (r#""\n\t\r\\\"\b\f""#, r#""\n\t\r\\\"\u{8}\u{c}""#),
        (r#""\u00df\u20ac""#, r#""ß€""#),
        (r#""\ud83d\ude00""#, r#""😀""#),
        (r#""\101\o102\0""#, r#""AB\0""#),
        ("\"two\nlines\"", r#""two\nlines""#),
        ("\"{:not an event}\n{:neither}\"", r#""{:not an event}\n{:neither}""#),
        (r"\a", r"\a"),
        (r"\newline", "\\\n"),
        (r"\space", r"\ "),
        (r"\u00df", r"\ß"),
        (r"\o101", r"\A"),
        (r#"[\[ \] \( \) \{ \} \; \, \\ \"]"#, r#"[\[ \] \( \) \{ \} \; \, \\ \"]"#),
        ("\\ß", "\\ß"),
        (":a", ":a"),
        (":a/b.c", ":a/b.c"),
        (":timed-out", ":timed-out"),
        (":<=", ":<="),
        ("foo/bar", "foo/bar"),
        ("-", "-"),
        ("+a", "+a"),
        ("[]", "[]"),
        ("[1, 2 3,]", "[1 2 3]"),
        ("(1 (2))", "[1 [2]]"),
        ("[1;a comment ]\n2]", "[1 2]"),
        ("#{2 1}", "#{1 2}"),
        ("{:b 1 :a [2]}", "{:a [2], :b 1}"),
        ("{}", "{}"),
        ("#_ 1 2", "2"),
        ("#_#_ 1 2 3", "3"),
        ("[1 #_2 3 #_ #_ 4 5]", "[1 3]"),
        ("{:a #_1 2 #_ :c}", "{:a 2}"),
        ("#_ ; why\n 1 2", "2"),
        ("#inst \"1985\"", r#"#inst "1985""#),
        ("#a #b 1", "#a #b 1"),
        ("#a #_ 2 1", "#a 1"),
        ("#jepsen.independent/tuple [1 2]", "[1 2]"),
        ("#jepsen.independent.Tuple [1 #{2}]", "[1 #{2}]"),
        ("^{:doc 1} [1]", "[1]"),
        ("^:a ^:b #_ 1 [1]", "[1]"),
        ("[ß \"ß\" :ß]", "[ß \"ß\" :ß]"),
    ] {
        match value(text) {
            Ok(datum) => assert_eq!(datum.to_string(), shown, "{text}"),
            Err(wrong) => panic!("{text}: {wrong:?}"),
        }
    }
}

#[test]
fn equal_values_are_equal_however_they_are_written() {
    for (one, other) in [
        ("7N", "7"),
        ("1.00M", "1"),
        ("#{1 2}", "#{2, 1N}"),
        ("{:a 1 :b 2}", "{:b 2.0 :a 1}"),
        ("[1 2]", "(1 2)"),
        (r#""\u0041""#, r#""A""#),
    ] {
        assert_eq!(value(one).unwrap(), value(other).unwrap(), "{one} {other}");
    }
    for (one, other) in
        [("7", "\"7\""), ("nil", "\"nil\""), (":a", "a"), ("\\a", "\"a\""), ("[]", "#{}")]
    {
        assert_ne!(value(one).unwrap(), value(other).unwrap(), "{one} {other}");
    }
}

#[test]
fn what_is_no_value_is_refused_at_its_place() {
    for (text, at, found, expected) in [
        ("", 0, "the end of the file", "a value"),
        ("[1", 2, "the end of the file", ""),
        ("[1)", 2, ")", "]"),
        ("(1 [2})", 5, "}", "]"),
        ("]", 0, "]", "a value"),
        ("{:a}", 3, "}", "a value for the last key"),
        ("{:a 1 :b 2 :a 3}", 11, ":a for the second time", "each key once"),
        ("{1 1 1.0 2}", 5, "1.0 for the second time", "each key once"),
        ("#{1 2 1}", 6, "1 for the second time", "each element once"),
        ("[#{[1 2] (1 2)}]", 9, "(1 2) for the second time", "each element once"),
        ("007", 0, "007", "a number"),
        ("1x", 0, "1x", "a number"),
        ("1/0", 0, "1/0", "a number"),
        ("0x1f", 0, "0x1f", "a number"),
        (".5", 0, ".5", "a value"),
        ("[1 @a]", 3, "@a", "a value"),
        ("::a", 0, "::a", "a keyword"),
        (":", 0, ":", "a keyword"),
        (r#""abc"#, 4, "the end of the file", "the end of a string"),
        (r#""a\xb""#, 2, "\\xb", "an escape"),
        (r#""\u12""#, 1, "\\u12", "an escape"),
        (r#""\ud83d""#, 1, "\\ud83d", "an escape"),
        (r#""\ude00\ud83d""#, 1, "\\ude00", "an escape"),
        (r#""\400""#, 1, "\\400", "an escape"),
        (r"\", 1, "the end of the file", "a character"),
        (r"\ ", 1, "a blank", "a character"),
        (r"\newlin", 0, r"\newlin", "a character"),
        (r"\u12", 0, r"\u12", "a character"),
        (r"\ud83d", 0, r"\ud83d", "a character"),
        ("#", 1, "the end of the file", "a tag"),
        ("# a", 1, "a blank", "a tag"),
        ("#\"a\"", 1, "\"", "a tag"),
        ("##Foo", 0, "##Foo", "##Inf, ##-Inf or ##NaN"),
        ("#inst", 5, "the end of the file", "a value"),
        ("[#_]", 3, "]", "a value"),
        ("[1 #inst]", 8, "]", "a value"),
    ] {
        let wrong = read_only(text).unwrap_err();
        assert_eq!((wrong.at, wrong.found.as_str()), (at, found), "{text}: {wrong:?}");
        assert!(wrong.expected.starts_with(expected), "{text}: {wrong:?}");
        assert_eq!(wrong.kind == Kind::End, at == text.len(), "{text}");
    }
}

fn read_only(text: &str) -> Result<(), Wrong> {
    let form = form(text);
    let mut walker = Walker::new(&form);
    walker.blanks(1)?;
    walker.value(&mut Encoder::default(), 1)
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    for (bytes, at) in [(&b"\"a\xff\""[..], 2), (b"a\xff", 1), (b":a\xc3", 2), (b"\\\xff", 1)] {
        let form = Form { bytes, begin: Place { line: 1, column: 1 }, indent: 1 };
        let wrong = Walker::new(&form).value(&mut Encoder::default(), 1).unwrap_err();
        assert_eq!((wrong.at, wrong.expected.as_str()), (at, "UTF-8"));
    }
}

#[test]
fn values_may_be_nested_only_so_deep() {
    for (open, close) in [("[", "]"), ("#a ", ""), ("#_ ", ""), ("^:a ", ""), ("{1 ", "}")] {
        let nested = |depth| format!("{}1{} 1", open.repeat(depth), close.repeat(depth));
        let text = nested(60);
        let read = read_only(&text);
        assert!(read.is_ok() || open == "#_ ", "{open}: {read:?}");
        for depth in [70, 100_000] {
            let text = nested(depth);
            let form = form(&text);
            let mut walker = Walker::new(&form);
            if open == "#_ " {
                assert!(walker.blanks(1).is_err());
            } else {
                assert!(read_only(&text).is_err());
                assert!(walker.skip(1).is_err());
            }
        }
    }
}

/// The forms of a text that is fed in pieces of this size, with their lines and columns, and the end.
fn forms(text: &[u8], size: usize) -> Result<Vec<String>, String> {
    let mut splitter = Splitter::default();
    let mut forms = Vec::new();
    for piece in text.chunks(size) {
        let fed = splitter.feed(piece, |form| {
            let Place { line, column } = form.begin;
            forms.push(format!("{line}:{column} {}", String::from_utf8_lossy(form.bytes)));
            Ok(())
        });
        fed.map_err(|error| error.to_string())?;
    }
    let end = splitter.end();
    forms.extend(end.unclosed.map(|line| format!("unclosed at {line}")));
    if end.is_open {
        let Form { bytes, begin: Place { line, column }, .. } = splitter.begun();
        forms.push(format!("{line}:{column} torn {}", String::from_utf8_lossy(bytes)));
    }
    Ok(forms)
}

#[test]
fn a_file_is_cut_into_its_forms() {
    for (text, expected) in [
        ("", &[][..]),
        (" ,\n ; {\n", &[]),
        ("{:a 1}{:b 2}\n {:c 3}", &["1:1 {:a 1}", "1:7 {:b 2}", "2:2 {:c 3}"]),
        ("\u{feff}{:a 1}", &["1:4 {:a 1}"]),
        ("[{:a [1]}\n{:b 2}]", &["1:2 {:a [1]}", "2:1 {:b 2}"]),
        ("; why\n( #_{:a 1}\n {:b 2} ; )\n)\n", &["2:3 #_{:a 1}", "3:2 {:b 2}"]),
        ("[]", &[]),
        ("[ ; ]\n{} ]", &["2:1 {}"]),
        ("[0 :ok]\n[1 :ok]", &["1:1 [0 :ok]", "2:1 [1 :ok]"]),
        ("[[0 :ok]\n[1 :ok]]", &["1:2 [0 :ok]", "2:1 [1 :ok]"]),
        ("[ ;a\n 0]", &["1:1 [ ;a\n 0]"]),
        ("[[1]", &["1:2 [1]", "unclosed at 1"]),
        ("[[1]\n\n", &["1:2 [1]", "unclosed at 2"]),
        ("#_ [{:a 1}] [{:b 2}]", &["1:1 #_ [{:a 1}]", "1:14 {:b 2}"]),
        ("#a.B{:a 1} {:b 2}", &["1:1 #a.B{:a 1}", "1:12 {:b 2}"]),
        ("#_ #_ a b {}", &["1:1 #_ #_ a b", "1:11 {}"]),
        ("#_ #_ a\nb{}", &["1:1 #_ #_ a\nb", "2:2 {}"]),
        ("#t #_ a {} {}", &["1:1 #t #_ a {}", "1:12 {}"]),
        ("^a ^{} #_ #t b {} {}", &["1:1 ^a ^{} #_ #t b {}", "1:19 {}"]),
        ("#{1} ##Inf 1", &["1:1 #{1}", "1:6 ##Inf", "1:12 torn 1"]),
        ("a\"b\"\\c d", &["1:1 a", "1:2 \"b\"", "1:5 \\c", "1:8 torn d"]),
        (r#"{:a "}\"" :b \} } {}"#, &[r#"1:1 {:a "}\"" :b \} }"#, "1:19 {}"]),
        ("{:a ; }\n 1} {}", &["1:1 {:a ; }\n 1}", "2:5 {}"]),
        ("\\( \\newline {}", &["1:1 \\(", "1:4 \\newline", "1:13 {}"]),
        ("{:a \"b", &["1:1 torn {:a \"b"]),
        ("{} #_", &["1:1 {}", "1:4 torn #_"]),
        ("{} #", &["1:1 {}", "1:4 torn #"]),
        ("{:a ]} ", &["1:1 {:a ]", "error line 1, column 6: found }, expected an event"]),
        ("{} ]", &["1:1 {}", "error line 1, column 4: found ], expected an event"]),
        ("[{} )", &["1:2 {}", "error line 1, column 5: found ), expected an event or ]"]),
        ("[{}]\n{}", &["1:2 {}", "error line 2, column 1: found {, expected the end of the file"]),
        ("[{}] abc ", &["1:2 {}", "error line 1, column 6: found abc, expected the end"]),
    ] {
        for size in [1, 2, 3, 5, 1000] {
            let mut expected = expected.iter();
            let found = forms(text.as_bytes(), size);
            match found {
                Ok(found) => {
                    for form in found {
                        assert_eq!(Some(&form.as_str()), expected.next(), "{text}");
                    }
                    assert_eq!(expected.next(), None, "{text}");
                }
                Err(error) => {
                    let said = expected.next_back().unwrap().strip_prefix("error ").unwrap();
                    let begins = error.len().min(said.len());
                    assert!(size < 1000 || error.starts_with(&said[..begins]), "{text}: {error}");
                }
            }
        }
    }
    let deep = "[".repeat(100);
    let error = forms(format!("{{:a\n {deep}").as_bytes(), 7).unwrap_err();
    assert!(error.starts_with("line 2, column 65: found [ inside 64 others"), "{error}");
}

#[test]
fn a_byte_is_looked_at_once_whatever_the_pieces() {
    let text = "{:a [1 2 \"3\n4\"] ; c\n #_ x}\n#t {} ".repeat(200);
    for size in [1, 7, 100_000] {
        work::take();
        forms(text.as_bytes(), size).unwrap();
        assert_eq!(work::take(), text.len());
    }
}
