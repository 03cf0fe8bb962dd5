#![allow(missing_docs, clippy::all, clippy::pedantic, clippy::unwrap_used)]
#[path = "../tests/generate/mod.rs"]
mod generate;
use checker::*;
use std::time::Instant;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let n = |i: usize| a[i].parse::<f64>().unwrap();
    let mix = match &*a[1] {
        "u" => generate::Mix::Unique,
        "c" => generate::Mix::UniqueCas,
        _ => generate::Mix::SmallCas,
    };
    let shape = generate::Shape {
        operations: n(2) as u64,
        clients: n(3) as u64,
        unknown: n(4),
        keys: n(5) as u64,
        mix,
        stale_at: (n(6) > 0.0).then_some(n(6) as u64),
        seed: n(7) as u64,
    };
    let t = Instant::now();
    let h = generate::history(shape);
    let rss = || {
        std::fs::read_to_string("/proc/self/status")
            .unwrap()
            .lines()
            .filter(|l| l.starts_with("VmHWM") || l.starts_with("VmRSS"))
            .map(|l| l.split_whitespace().nth(1).unwrap().to_owned())
            .collect::<Vec<_>>()
            .join("/")
    };
    println!("generated in {:?}, rss {}", t.elapsed(), rss());
    let t = Instant::now();
    let start = Instant::now();
    let stop = move || start.elapsed().as_secs() > 60;
    let r = check(
        &h,
        &Options {
            budget: Budget { stop: &stop, ..Budget::default() },
            model: ModelName::Kv,
            ..Options::default()
        },
    );
    println!(
        "checked in {:?}, rss {}: {} {:?}",
        t.elapsed(),
        rss(),
        r.verdict.name(),
        r.algorithms
    );
    match r.verdict {
        Verdict::Invalid(w) => println!("{} minimal {}", w.explanation, w.minimal),
        Verdict::Unknown(r) => println!("{}", r.explanation),
        _ => {}
    }
}
