//! The pages as a person sees them: in a browser, wide and narrow, good runs and bad ones.

use std::path::{Path, PathBuf};

use crate::browser::Browser;
use crate::support::{Bench, room, skip};

const WORKLOAD: &str = r#"{
    "lifetime": 5, "start_wait": 0, "end_wait": 0, "replicas": 5,
    "clients": {"count": 4, "keys": 2, "rate": 200, "timeout_ms": 500},
    "liveness": {"bound_ms": 2000},
    "events": [{"type": "part_hard", "time": 1}, {"type": "part_end", "time": 2}]
}"#;

/// Wide as a desk's, narrow as a phone's.
const SIZES: [(&str, u32, u32); 2] = [("wide", 1400, 1000), ("phone", 390, 844)];

fn pictures() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
    std::fs::create_dir_all(&folder).expect("a folder under target");
    folder
}

/// A browser; without one the test says so and is over.
fn browser() -> Option<Browser> {
    let browser = Browser::start();
    if browser.is_none() {
        skip("no Chromium; `apt-get install chromium` puts one here");
    }
    browser
}

/// Where the middle of an operation's bar is in the window.
fn place(browser: &mut Browser, operation: &str) -> (f64, f64) {
    browser.eval("document.getElementById('timeline-canvas').scrollIntoView({block: 'center', behavior: 'instant'})");
    let place = browser.eval(&format!(
        "(() => {{ const i = {operation}, box = page.timeline.view.canvas.getBoundingClientRect();
          return [box.left + page.timeline.x(OPS.invoke[i] + Math.max(0, OPS.took[i]) / 2), box.top + page.timeline.laneOf(i)]; }})()"
    ));
    (place[0].as_f64().expect("a number"), place[1].as_f64().expect("a number"))
}

/// Moves the mouse there, from a place where it was not.
fn hover(browser: &mut Browser, x: f64, y: f64) {
    browser.mouse("mouseMoved", x + 25.0, y + 3.0, 0.0);
    browser.mouse("mouseMoved", x, y, 0.0);
}

#[track_caller]
fn is_quiet(browser: &Browser) {
    // The test itself reads the canvases' pixels, of which Chromium sometimes warns.
    let is_ours = |complaint: &&String| complaint.contains("willReadFrequently");
    let complaints: Vec<&String> = browser.complaints.iter().filter(|it| !is_ours(it)).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    assert!(browser.fetched.is_empty(), "{:#?}", browser.fetched);
}

/// Whether the canvas with this id has points of the colour with this name.
fn shows(browser: &mut Browser, canvas: &str, colour: &str) -> bool {
    browser.eval(&format!(
        "(() => {{ const canvas = document.getElementById('{canvas}'), g = canvas.getContext('2d');
          g.save(); g.setTransform(1, 0, 0, 1, 0, 0);
          const probe = document.createElement('canvas').getContext('2d');
          probe.fillStyle = colours['{colour}']; probe.fillRect(0, 0, 1, 1);
          const [r, gr, b] = probe.getImageData(0, 0, 1, 1).data, all = g.getImageData(0, 0, canvas.width, canvas.height).data;
          g.restore();
          for (let i = 0; i < all.length; i += 4) if (Math.abs(all[i] - r) + Math.abs(all[i + 1] - gr) + Math.abs(all[i + 2] - b) < 12 && all[i + 3] > 200) return true;
          return false; }})()"
    )) == true
}

#[test]
fn a_good_run_shows_its_lanes_bands_and_points() {
    let _turn = room::processor();
    let Some(mut browser) = browser() else { return };
    let bench = Bench::new();
    bench.odd("right", WORKLOAD).expect(0);
    let report = bench.run().path("report.html");
    for (name, width, height) in SIZES {
        browser.open(&report, width, height);
        assert_eq!(browser.eval("document.querySelectorAll('.answers dt').length"), 6);
        assert_eq!(browser.eval("D.clients.length"), 4, "a lane for each client");
        let fits = "document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(browser.eval(fits), true, "{name}: the page is wider than its window");
        assert!(shows(&mut browser, "timeline-canvas", "ok"), "{name}: no operation is drawn");
        assert!(shows(&mut browser, "timeline-canvas", "leader"), "{name}: no leader is drawn");
        assert!(shows(&mut browser, "timeline-canvas", "band-edge"), "{name}: no fault is drawn");
        assert!(shows(&mut browser, "spacetime-canvas", "quiet"), "{name}: no message is drawn");

        if name == "phone" {
            // The mouse is a desk's.
            browser.picture(&pictures().join("good-phone.png"));
            continue;
        }
        // Wheel: closer; hover: the operation; click: it stays.
        let (x, y) = place(&mut browser, "Math.floor(OPS.op.length / 2)");
        let span = "page.timeline.range.to - page.timeline.range.from";
        let before = browser.eval(span).as_f64().expect("a number");
        for _ in 0..8 {
            browser.mouse("mouseWheel", x, y, -240.0);
        }
        let after = browser.eval(span).as_f64().expect("a number");
        assert!(after < before / 20.0, "{name}: the wheel takes {before} to {after}");
        let (x, y) = place(&mut browser, "Math.floor(OPS.op.length / 2)");
        hover(&mut browser, x, y);
        let tip = browser.eval("tip.hidden ? '' : tip.textContent");
        assert!(tip.as_str().is_some_and(|tip| tip.contains("client 00")), "{name}: {tip}");
        browser.mouse("mousePressed", x, y, 0.0);
        browser.mouse("mouseReleased", x, y, 0.0);
        let pinned = browser.eval("document.getElementById('pinned').textContent");
        assert_eq!(pinned, tip, "{name}: a click pins what is under the mouse");
        // Drag: the window moves with the mouse.
        let from = browser.eval("page.timeline.range.from").as_f64().expect("a number");
        browser.mouse("mousePressed", x, y, 0.0);
        browser.mouse("mouseMoved", x + 40.0, y, 0.0);
        browser.mouse("mouseReleased", x + 40.0, y, 0.0);
        let moved = browser.eval("page.timeline.range.from").as_f64().expect("a number");
        assert!(moved < from, "{name}: dragged from {from} to {moved}");

        // Each operation of a key that has an order took effect within itself.
        browser.eval("document.getElementById('show-points').click()");
        assert_eq!(browser.eval("page.timeline.state.points"), true);
        let within = "Object.values(D.points).flat().length > 500 && Object.values(D.points).flat().every(([op, t]) => {
            const i = placeOf.get(op); return t >= OPS.invoke[i] && (OPS.took[i] < 0 || t <= OPS.invoke[i] + OPS.took[i]); })";
        assert_eq!(browser.eval(within), true, "{name}: a point lies outside of its operation");

        // A filter leaves fewer points.
        let all = browser.eval("page.latency.count()").as_u64();
        browser.eval("(() => { const s = document.querySelector('#latency select'); s.value = 'get'; s.dispatchEvent(new Event('change')); })()");
        let gets = browser.eval("page.latency.count()").as_u64();
        assert!(gets > Some(0) && gets < all, "{name}: {gets:?} of {all:?}");
        // On paper nothing is folded, and afterwards all is as it was.
        let folded = "document.querySelectorAll('details:not([open])').length";
        let before = browser.eval(folded);
        browser.eval("printing(true)");
        assert_eq!(browser.eval(folded), 0, "{name}: something stays folded on paper");
        browser.eval("printing(false)");
        assert_eq!(browser.eval(folded), before, "{name}");

        browser.eval("scrollTo({top: 0, behavior: 'instant'})");
        browser.picture(&pictures().join(format!("good-{name}.png")));
    }
    is_quiet(&browser);
}

#[test]
fn a_bad_run_opens_on_its_counterexample() {
    let _turn = room::processor();
    let Some(mut browser) = browser() else { return };
    let bench = Bench::new();
    bench.odd("forgets", WORKLOAD).expect(10);
    let report = bench.run().path("report.html");
    for (name, width, height) in SIZES {
        browser.open(&report, width, height);
        let count = browser.eval("WITNESS.length").as_u64();
        assert!(count >= Some(2), "{name}: {count:?} operations in the counterexample");
        let in_view = "WITNESS.every((i) => OPS.invoke[i] >= page.timeline.range.from && OPS.invoke[i] + OPS.took[i] <= page.timeline.range.to)";
        assert_eq!(browser.eval(in_view), true, "{name}: the counterexample is out of sight");
        assert!(shows(&mut browser, "timeline-canvas", "bad"), "{name}: it is not highlighted");
        let arrows = browser.eval("page.spacetime.view.arrows").as_u64();
        assert!(arrows > Some(0) && arrows <= Some(10_000), "{name}: {arrows:?} arrows");
        let told = browser.eval("document.getElementById('explanation').textContent");
        assert!(told.as_str().is_some_and(|text| text.contains("client 00")), "{name}: {told}");
        let (x, y) = place(&mut browser, "WITNESS[0]");
        hover(&mut browser, x, y);
        let tip = browser.eval("tip.hidden ? '' : tip.textContent");
        assert!(tip.as_str().is_some_and(|tip| tip.contains("event")), "{name}: {tip}");
        browser.picture(&pictures().join(format!("bad-{name}.png")));
    }
    // All runs on one page, and a filter over them.
    bench.harness(&["report"]).expect(0);
    browser.open(&bench.path("results/index.html"), 1400, 1000);
    let rows = "document.querySelectorAll('#rows tr').length";
    assert_eq!(browser.eval(rows), 2, "a header and the run");
    browser.picture(&pictures().join("index.png"));
    browser.eval("(() => { const s = document.getElementById('by-workload'); s.value = ''; state.workload = 'another'; draw(); })()");
    assert_eq!(browser.eval(rows), 1, "no run is of another workload");
    is_quiet(&browser);
}

#[test]
fn a_hundred_thousand_operations_and_a_hostile_key_open_at_once() {
    let _turn = room::processor();
    let Some(mut browser) = browser() else { return };
    let bench = Bench::new();
    let mut history = String::from("{\"schema\":1}\n");
    let key = "</script><script>alert(1)</script>";
    for n in 0..100_000_u64 {
        for (index, kind) in [(2 * n, "invoke"), (2 * n + 1, "ok")] {
            let event = serde_json::json!({"index": index, "time_ns": index * 50_000, "process": n % 10,
                "client": format!("{:04X}", 0x15 + n % 10), "type": kind, "f": "put",
                "key": if n % 5 == 0 { key } else { "x" }, "value": format!("v{n}"), "node": "0000", "error": null});
            history.push_str(&event.to_string());
            history.push('\n');
        }
    }
    bench.file("history.jsonl", history);
    let folder = bench.path("");
    bench.harness(&["report", &folder.to_string_lossy()]).expect(0);
    let report = bench.path("report.html");
    let bytes = std::fs::metadata(&report).expect("a report").len();
    assert!(bytes < 15_000_000, "{bytes} bytes");
    let took = browser.open(&report, 1400, 1000);
    eprintln!("100,000 operations: {bytes} bytes, opened within {took:?}");
    assert_eq!(browser.eval("OPS.op.length"), 100_000);
    // There is a history and no verdict.
    let title = browser.eval("document.title");
    assert!(title.as_str().is_some_and(|it| it.contains("never judged")), "{title}");
    assert_eq!(
        browser.eval("D.keys.includes('</script' + '><script>alert(1)</script' + '>')"),
        true
    );
    let frame = browser.eval("(() => { const t = performance.now(); for (let n = 0; n < 20; n++) page.timeline.view.paint(); return (performance.now() - t) / 20; })()");
    eprintln!("a picture of all of them: {frame} ms");
    is_quiet(&browser);
}
