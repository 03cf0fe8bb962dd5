//! A headless Chromium, driven over its debugging pipe: JSON messages that end with a zero byte.
//! Nothing listens on any port.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Where a Chromium may be.
const PROGRAMS: [&str; 3] =
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/// A browser with one page; ended with its guard.
pub struct Browser {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    session: String,
    calls: u64,
    /// What the page wrote on its console, or threw.
    pub complaints: Vec<String>,
    /// What was asked of any place but the file itself.
    pub fetched: Vec<String>,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts one; `None` where there is no Chromium.
    pub fn start() -> Option<Self> {
        let program = PROGRAMS.iter().map(Path::new).find(|path| path.exists())?;
        let profile = tempfile::tempdir().expect("a folder for the profile");
        // The pipe is the descriptors 3 and 4: a shell puts our standard ones there.
        let mut child = Command::new("sh")
            .args(["-c", r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#, "sh"])
            .arg(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ])
            .args(["--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut browser = Self {
            child,
            input,
            output,
            session: String::new(),
            calls: 0,
            complaints: Vec::new(),
            fetched: Vec::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", &attach);
        attached["sessionId"].as_str().expect("a session").clone_into(&mut browser.session);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        Some(browser)
    }

    /// Opens a file in a window of this size, and returns how long that took.
    pub fn open(&mut self, file: &Path, width: u32, height: u32) -> Duration {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1,
            "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", &size);
        let begin = Instant::now();
        self.call("Page.navigate", &json!({"url": format!("file://{}", file.display())}));
        let is_ready =
            "document.readyState === 'complete' && document.querySelector('canvas') !== null";
        while self.eval(is_ready) != true {
            assert!(begin.elapsed() < Duration::from_secs(60), "{} does not open", file.display());
            std::thread::sleep(Duration::from_millis(20));
        }
        begin.elapsed()
    }

    /// The value of an expression on the page; a promise is waited for.
    pub fn eval(&mut self, expression: &str) -> Value {
        let ask = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", &ask);
        let thrown = &answer["exceptionDetails"];
        assert!(thrown.is_null(), "{expression}: {thrown}");
        answer["result"]["value"].clone()
    }

    /// A movement or a click of the mouse, or a turn of its wheel, at a place in the window.
    pub fn mouse(&mut self, kind: &str, x: f64, y: f64, wheel: f64) {
        let event = json!({"type": kind, "x": x, "y": y, "deltaX": 0, "deltaY": wheel,
            "button": if kind == "mouseMoved" || kind == "mouseWheel" { "none" } else { "left" },
            "buttons": u8::from(kind == "mousePressed"), "clickCount": 1});
        self.call("Input.dispatchMouseEvent", &event);
    }

    /// Keeps a picture of the window.
    pub fn picture(&mut self, path: &PathBuf) {
        let answer = self.call("Page.captureScreenshot", &json!({"format": "png"}));
        let text = answer["data"].as_str().expect("a picture");
        std::fs::write(path, decoded(text)).expect("a place for pictures");
    }

    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.calls += 1;
        let mut message = json!({"id": self.calls, "method": method, "params": parameters});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.input.write_all(&bytes).expect("the browser listens");
        loop {
            let mut answer = Vec::new();
            self.output.read_until(0, &mut answer).expect("the browser answers");
            answer.pop();
            assert!(!answer.is_empty(), "the browser ended while {method} was asked");
            let answer: Value = serde_json::from_slice(&answer).expect("JSON");
            if answer["id"] == self.calls {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
            self.event(&answer);
        }
    }

    fn event(&mut self, event: &Value) {
        let parameters = &event["params"];
        match event["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded" => {
                self.complaints.push(parameters.to_string());
            }
            "Network.requestWillBeSent" => {
                let url = parameters["request"]["url"].as_str().unwrap_or_default();
                if parameters["type"] != "Document" && !url.starts_with("data:") {
                    self.fetched.push(url.to_owned());
                }
            }
            _ => {}
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked kindly it ends its own processes too.
        let bytes = json!({"id": 0, "method": "Browser.close"}).to_string();
        let _ = self.input.write_all(&[bytes.as_bytes(), b"\0"].concat());
        let deadline = Instant::now() + Duration::from_secs(10);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Base64, as the browser sends pictures.
fn decoded(text: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => u32::from(c - b'A'),
        b'a'..=b'z' => u32::from(c - b'a') + 26,
        b'0'..=b'9' => u32::from(c - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u32> = text.bytes().filter(|&c| c != b'=').map(value).collect();
    let mut bytes = Vec::with_capacity(digits.len());
    for group in digits.chunks(4) {
        let word = group.iter().fold(0, |word, digit| word << 6 | digit) << (6 * (4 - group.len()));
        bytes.extend(&word.to_be_bytes()[1..group.len()]);
    }
    bytes
}
