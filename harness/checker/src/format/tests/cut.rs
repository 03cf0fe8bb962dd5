//! Files in pieces, and files whose end is missing.

use super::*;

#[test]
fn a_file_means_the_same_in_pieces_of_any_size() {
    for (format, text, count) in FILES {
        let whole = in_pieces(text.as_bytes(), format, text.len()).unwrap();
        assert_eq!(whole.torn, None, "{text}");
        assert_eq!(whole.history.operations().len(), count, "{text}");
        for piece in 1..text.len() {
            let pieces = in_pieces(text.as_bytes(), format, piece).unwrap();
            assert_eq!(told(&pieces.history), told(&whole.history), "{text}");
            assert_eq!(pieces.torn, None);
        }
    }
}

/// A file cut at any byte has the events that end before the cut: with each byte more it means the same, or
/// one event more, of which that byte is the end.
#[test]
fn a_file_cut_at_any_byte_has_the_events_before_the_cut() {
    for (format, text, _) in FILES {
        let text = text.as_bytes();
        let (mut before, mut events) = (Vec::new(), 0);
        for cut in 0..=text.len() {
            let read = match in_pieces(&text[..cut], format, 7) {
                Ok(read) => read,
                // A text that goes over lines and has no end may have swallowed rows.
                Err(error) => {
                    assert!(
                        error.to_string().contains("opens a cell, expected another"),
                        "{error}"
                    );
                    assert!(text[..cut].windows(5).any(|bytes| bytes == b"\"two\n"), "{cut}");
                    continue;
                }
            };
            let now = told(&read.history);
            let more = read.history.event_count() - events;
            events += more;
            if more == 0 {
                assert_eq!(now, before, "{cut}");
            } else {
                let end = if format == Format::Csv { b'\n' } else { b'}' };
                assert_eq!(text[cut - 1], end, "{cut}");
                assert!(more == 1 || format == Format::PorcupineJson);
            }
            before = now;
            assert_eq!(read.torn.is_some(), is_torn(&text[..cut], format), "{cut}");
        }
    }
}

/// Whether something has begun that has not ended.
fn is_torn(text: &[u8], format: Format) -> bool {
    let count = |brackets: &[u8]| text.iter().filter(|byte| brackets.contains(byte)).count();
    match format {
        Format::Csv => !text.is_empty() && !text.ends_with(b"\n"),
        _ => count(b"{[") != count(b"}]"),
    }
}

#[test]
fn a_list_that_is_not_closed_is_torn_but_its_objects_count() {
    let text = br#"[{"process":0,"type":"invoke","f":"read"}"#;
    for (end, torn) in
        [("", Some(1)), (",", Some(1)), ("\n,\n", Some(3)), ("]", None), ("]\n", None)]
    {
        let text = [text.as_slice(), end.as_bytes()].concat();
        let read = in_pieces(&text, Format::JepsenJson, 5).unwrap();
        assert_eq!((read.torn, read.history.operations().len()), (torn, 1), "{end:?}");
    }
}

#[test]
fn a_row_without_its_line_end_is_torn() {
    let text = "process,type,f,value\n0,invoke,write,1\n0,ok,write,1\n1,invoke,write,12";
    let read = in_pieces(text.as_bytes(), Format::Csv, 4).unwrap();
    assert_eq!((read.torn, read.history.operations().len()), (Some(4), 1));
    let read = in_pieces(format!("{text}\r\n").as_bytes(), Format::Csv, 4).unwrap();
    assert_eq!((read.torn, read.history.operations().len()), (None, 2));
}

#[test]
fn the_mark_of_utf_8_is_no_part_of_a_file() {
    for (format, text, count) in FILES {
        let text = [b"\xef\xbb\xbf", text.as_bytes()].concat();
        assert_eq!(Format::detect(&text), Some(format));
        for piece in [1, 2, 100] {
            let read = in_pieces(&text, format, piece).unwrap();
            assert_eq!(read.history.operations().len(), count);
        }
        assert!(in_pieces(&text[1..], format, 1).is_err());
    }
}
