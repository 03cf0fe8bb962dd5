//! How the time of class 1 (a register, unique writes), and of class 2 (with compare-and-set),
//! grows with operations, clients and unknown
//! outcomes: `benches/growth.csv`, and a plot of it, `benches/growth.svg`, both written anew by
//! `cargo bench -p checker --bench growth`. Each point is the shortest of three checks, in
//! seconds of one processor.

#[path = "../tests/generate/mod.rs"]
mod generate;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Duration;

use checker::{Options, check};
use generate::{Mix, Shape};
use nix::time::{ClockId, clock_gettime};

const BASE: Shape = Shape {
    operations: 1_000_000,
    clients: 100,
    keys: 1,
    unknown: 0.05,
    mix: Mix::Unique,
    stale_at: None,
    seed: 1,
};

/// One line of the plot: what grows, and a point for each of its values.
struct Panel {
    what: &'static str,
    points: Vec<(f64, f64)>,
}

fn main() {
    let mut csv = String::from("operations,clients,unknown,algorithm,seconds\n");
    let mut panel = |what, shapes: Vec<(f64, Shape)>| {
        let points = shapes.into_iter().map(|(x, shape)| (x, seconds(shape, &mut csv))).collect();
        Panel { what, points }
    };
    let swaps = Shape { mix: Mix::UniqueCas, clients: 10, unknown: 0.01, ..BASE };
    let panels = [
        panel(
            "operations (millions)",
            [125_000, 250_000, 500_000, 1_000_000, 2_000_000]
                .map(|operations| (operations as f64 / 1e6, Shape { operations, ..BASE }))
                .to_vec(),
        ),
        panel(
            "clients, of a million operations",
            [10, 30, 100, 300].map(|clients| (clients as f64, Shape { clients, ..BASE })).to_vec(),
        ),
        panel(
            "unknown outcomes (%), of a million operations",
            [0.0, 0.01, 0.05, 0.1, 0.2]
                .map(|unknown| (unknown * 100.0, Shape { unknown, ..BASE }))
                .to_vec(),
        ),
        panel(
            "operations (millions) with compare-and-set",
            [125_000, 250_000, 500_000, 1_000_000, 2_000_000]
                .map(|operations| (operations as f64 / 1e6, Shape { operations, ..swaps }))
                .to_vec(),
        ),
        panel(
            "unknown outcomes (%), of a million with compare-and-set",
            [0.0, 0.01, 0.05, 0.1, 0.2]
                .map(|unknown| (unknown * 100.0, Shape { unknown, ..swaps }))
                .to_vec(),
        ),
    ];
    print!("{csv}");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches");
    fs::write(folder.join("growth.csv"), csv).expect("a file beside this one");
    fs::write(folder.join("growth.svg"), svg(&panels)).expect("a file beside this one");
}

fn seconds(shape: Shape, csv: &mut String) -> f64 {
    let history = generate::history(shape);
    let measure = || {
        let start = cpu_time();
        let report = check(&history, &Options::default());
        let seconds = cpu_time().saturating_sub(start).as_secs_f64();
        assert_eq!(report.verdict.name(), "valid");
        (seconds, report.algorithms[0])
    };
    let (first, algorithm) = measure();
    let shortest = first.min(measure().0).min(measure().0);
    let Shape { operations, clients, unknown, .. } = shape;
    let _ = writeln!(csv, "{operations},{clients},{unknown},{algorithm},{shortest:.4}");
    shortest
}

/// What this process has used of all processors so far: other work on the machine does not count.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("every system has it");
    Duration::from(time)
}

const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 200.0;
const MARGIN: f64 = 50.0;
const IN_A_ROW: usize = 3;

/// The panels in rows of three, each on a scale of its own, both axes from 0.
fn svg(panels: &[Panel]) -> String {
    let (across, down) = (WIDTH + MARGIN, HEIGHT + 2.0 * MARGIN);
    let rows = panels.len().div_ceil(IN_A_ROW);
    let (full_width, full_height) = (across * IN_A_ROW as f64 + MARGIN, down * rows as f64);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {full_width} {full_height}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (row, panels) in panels.chunks(IN_A_ROW).enumerate() {
        for (column, panel) in panels.iter().enumerate() {
            let top = MARGIN + row as f64 * down;
            draw(panel, MARGIN + column as f64 * across, top, &mut svg);
        }
    }
    svg + "</svg>\n"
}

fn draw(panel: &Panel, left: f64, ceiling: f64, svg: &mut String) {
    let most = panel.points.iter().fold(0.0, |most: f64, point| most.max(point.1));
    let top = (most * 20.0).ceil() / 20.0;
    let (floor, right) = (ceiling + HEIGHT, left + WIDTH);
    let widest = panel.points.last().map_or(1.0, |point| point.0);
    let x = |value: f64| left + value / widest * WIDTH;
    let y = |seconds: f64| floor - seconds / top * HEIGHT;
    let line: Vec<String> =
        panel.points.iter().map(|p| format!("{:.1},{:.1}", x(p.0), y(p.1))).collect();
    let _ = writeln!(
        svg,
        "<path d=\"M{left},{ceiling}V{floor}H{right}\" fill=\"none\" stroke=\"black\"/>\n\
         <text x=\"{left}\" y=\"{}\">seconds</text>\n\
         <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{top:.2}</text>\n\
         <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n\
         <polyline points=\"{}\" fill=\"none\" stroke=\"#1f77b4\" stroke-width=\"2\"/>",
        ceiling - 8.0,
        left - 4.0,
        ceiling + 4.0,
        left + WIDTH / 2.0,
        floor + 32.0,
        panel.what,
        line.join(" "),
    );
    for point in &panel.points {
        let (at, high) = (x(point.0), y(point.1));
        let _ = writeln!(
            svg,
            "<circle cx=\"{at:.1}\" cy=\"{high:.1}\" r=\"3\" fill=\"#1f77b4\"/>\n\
             <text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            floor + 15.0,
            (point.0 * 1000.0).round() / 1000.0,
        );
    }
}
