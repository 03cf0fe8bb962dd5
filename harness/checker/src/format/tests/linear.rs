//! The work is linear in the bytes, however they are cut: counted, not timed.

use crate::format::csv::rows::Rows;
use crate::format::elements::Elements;

/// Bytes that are looked at or copied when a text comes in such pieces.
fn work(text: &str, piece: usize) -> u64 {
    let mut elements = Elements::default();
    for mut piece in text.as_bytes().chunks(piece) {
        while elements.next(&mut piece).unwrap().is_some() {}
    }
    elements.work
}

#[test]
fn each_byte_of_json_is_looked_at_twice_at_most() {
    let braces = format!("[{{\"type\":\"{}\"}}]", "}{][".repeat(20_000));
    let deep = format!("[{{\"value\":{}{}}}]", "[".repeat(60), "]".repeat(60));
    let many = format!("[{}{{}}]", "{\"a\":[{},{}]},\n".repeat(20_000));
    let long = format!("{{\"value\":[{}0]}}", "{\"a\":0},".repeat(20_000));
    for text in [braces, deep, many, long] {
        for piece in [1, 2, 7, 1000, 1 << 20] {
            let work = work(&text, piece);
            assert!(work <= 2 * text.len() as u64, "{work} of {} in pieces of {piece}", text.len());
        }
    }
}

#[test]
fn each_byte_of_csv_is_looked_at_twice_at_most() {
    let rows = "0,invoke,write,\"a\nb\"\"c\"\n".repeat(10_000);
    let long = format!("0,invoke,write,\"{}\"\n", "x\n".repeat(50_000));
    for text in [rows, long] {
        for piece in [1, 3, 1000, 1 << 20] {
            let mut found = Rows::default();
            for mut piece in text.as_bytes().chunks(piece) {
                while found.next(&mut piece).unwrap().is_some() {}
            }
            assert!(found.work <= 2 * text.len() as u64, "{} of {}", found.work, text.len());
        }
    }
}
