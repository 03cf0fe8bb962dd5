// The rows of all runs, filters over them, and a small chart of latencies for each workload.

const RUNS = JSON.parse(document.getElementById("data").textContent);
const MOST_ROWS = 2000, MOST_CHARTS = 60;
const state = { verdict: "", workload: "", replica: "" };

const count = (n) => (n == null ? "" : grouped(n));
const millis = (us) => (us == null ? "" : `${(us / 1000).toPrecision(3)} ms`);
const chosen = () => RUNS.filter((run) => Object.entries(state).every(([name, value]) => !value || run[name] === value));
const short = (path) => path.split(" ").map((word) => word.split("/").pop()).join(" ");

function filters() {
  for (const name of Object.keys(state)) {
    const words = [...new Set(RUNS.map((run) => run[name]))].sort();
    document.getElementById("filters").append(el("label", { class: "small" }, `${name} `,
      el("select", { id: `by-${name}`, onchange: (event) => { state[name] = event.target.value; draw(); } },
        el("option", { value: "" }, "all"), words.map((word) => el("option", { value: word }, plain(name === "replica" ? short(word) : word))))));
  }
}

function draw() {
  const runs = chosen();
  document.getElementById("count").textContent = `${grouped(runs.length)} of ${grouped(RUNS.length)} runs` +
    (runs.length > MOST_ROWS ? `; the newest ${grouped(MOST_ROWS)} are listed` : "");
  const names = ["begun", "verdict", "workload", "seed", "operations", "p50", "p99", "messages per operation", "replica", "files"];
  document.getElementById("rows").replaceChildren(el("tr", {}, names.map((name) => el("th", {}, name))),
    ...runs.slice(0, MOST_ROWS).map((run) => {
      const standing = run.verdict === "valid" ? "valid" : ["never judged", "interrupted"].includes(run.verdict) ? "unknown" : Object.values(run.standings).includes("invalid") ? "invalid" : "unknown";
      const sign = { valid: "✓", invalid: "✗", unknown: "?" }[standing];
      const path = run.folder.split("/").map(encodeURIComponent).join("/");
      return el("tr", {}, el("td", {}, run.has_report ? el("a", { href: `${path}/report.html` }, run.start.slice(0, 19).replace("T", " ")) : run.start.slice(0, 19).replace("T", " ")),
        el("td", { class: "words", title: plain(run.sentence) }, el("span", { class: `mark ${standing}` }, `${sign} ${plain(run.verdict)}`)),
        el("td", {}, plain(run.workload)), el("td", { class: "number" }, run.seed),
        el("td", { class: "number" }, count(run.operations)), el("td", { class: "number" }, millis(run.p50_us)), el("td", { class: "number" }, millis(run.p99_us)),
        el("td", { class: "number" }, run.operations ? (run.messages / run.operations).toFixed(2) : ""),
        el("td", { title: plain(run.replica) }, plain(short(run.replica))), el("td", {}, el("a", { href: `${path}/` }, "files")));
    }));
  const multiples = document.getElementById("multiples");
  multiples.replaceChildren();
  const workloads = [...new Set(runs.filter((run) => run.p50_us).map((run) => run.workload))].sort();
  if (workloads.length > MOST_CHARTS) multiples.append(el("p", { class: "small" }, `The first ${MOST_CHARTS} of ${grouped(workloads.length)} workloads.`));
  for (const workload of workloads.slice(0, MOST_CHARTS)) chart(multiples, workload, runs.filter((run) => run.workload === workload && run.p50_us).reverse());
}

function chart(parent, workload, runs) {
  const canvas = el("canvas", { role: "img", "aria-label": `latency of ${workload}` });
  parent.append(el("div", {}, el("p", { class: "small" }, plain(workload), el("span", { class: "quiet" }, ` ${runs.length} ${runs.length === 1 ? "run" : "runs"}`)), canvas));
  const width = canvas.clientWidth || 260, tall = 110, ratio = window.devicePixelRatio || 1;
  canvas.width = width * ratio; canvas.height = tall * ratio; canvas.style.height = `${tall}px`;
  const g = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  g.scale(ratio, ratio);
  g.font = "11px system-ui, sans-serif"; g.textBaseline = "middle"; g.textAlign = "right";
  if (!runs.length) return;
  const low = 10 ** Math.floor(Math.log10(Math.min(...runs.map((run) => run.p50_us))));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...runs.map((run) => run.max_us)) + 1));
  const y = (us) => 8 + (1 - Math.log(us / low) / Math.log(high / low)) * (tall - 16);
  const left = 48, step = Math.min(16, (width - left - 8) / runs.length);
  for (let us = low; us <= high; us *= 10) {
    g.strokeStyle = colour("line"); g.beginPath(); g.moveTo(left, y(us)); g.lineTo(width, y(us)); g.stroke();
    g.fillStyle = colour("quiet"); g.fillText(us < 1000 ? `${us} µs` : us < 1e6 ? `${us / 1000} ms` : `${us / 1e6} s`, left - 4, y(us));
  }
  runs.forEach((run, n) => {
    const x = left + 8 + n * step;
    g.strokeStyle = g.fillStyle = colour("ok");
    g.beginPath(); g.moveTo(x, y(run.p50_us)); g.lineTo(x, y(run.max_us)); g.stroke();
    g.beginPath(); g.moveTo(x - 3, y(run.p99_us)); g.lineTo(x + 3, y(run.p99_us)); g.stroke();
    g.beginPath(); g.arc(x, y(run.p50_us), Math.max(1, Math.min(2.5, step)), 0, 7); g.fill();
    if (run.verdict !== "valid") { g.strokeStyle = colour("bad"); g.lineWidth = 2; g.beginPath(); g.arc(x, y(run.p50_us), 6, 0, 7); g.stroke(); g.lineWidth = 1; }
  });
}

filters();
draw();
addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
// Paper is white, whatever the screen is.
for (const [event, isOn] of [["beforeprint", true], ["afterprint", false]]) addEventListener(event, () => {
  document.documentElement.classList.toggle("printing", isOn);
  draw();
});
