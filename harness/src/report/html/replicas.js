// The replicas: life and death, memory and CPU, state, last words.

function replicas() {
  const card = section("replicas", "Replicas");
  const told = new Map((D.verdict?.replicas || []).map((replica) => [replica.id, replica]));
  const digests = new Set([...told.values()].map((r) => r.digest).filter(Boolean));
  const host = hostSeries();
  const boxes = D.replicas.map((id) => {
    const replica = told.get(id) || {}, log = D.logs[id] || { stdout: "", stderr: "" };
    const life = replica.death ? el("p", {}, el("span", { class: "mark " + (replica.death.is_planned ? "unknown" : "invalid") }, "✕ "),
      `${plain(replica.death.how)} at ${at(replica.death.time_ns / 1000)}${replica.death.is_planned ? ", by a fault" : ", by itself"}`) :
      el("p", {}, "alive until the end");
    const facts = [replica.connect_ms != null ? `connected after ${replica.connect_ms} ms` : "never connected",
      replica.cpu_ms != null ? `${grouped(replica.cpu_ms)} ms of CPU` : null, `${grouped(replica.output_bytes || 0)} bytes of output`].filter(Boolean);
    const box = el("div", {}, el("h3", {}, id), life, el("p", { class: "quiet small" }, facts.join(", ")));
    if (replica.digest) box.append(el("p", { class: "small" }, `state at the end: commit ${replica.commit}, digest `, el("code", {}, plain(replica.digest)),
      digests.size > 1 ? el("span", { class: "mark invalid" }, " (not all agree)") : ""));
    for (const fault of D.faults.filter((it) => it.begin != null && it.what.split(/[ |]+/).includes(id) && !it.kind.startsWith("part")))
      box.append(el("p", { class: "small" }, `${faultTitle(fault)} at ${at(fault.begin)}${fault.end == null ? "" : ` to ${at(fault.end)}`}`));
    for (const [name, unit, list] of host.get(id) || []) spark(box, name, unit, list);
    for (const [name, text] of Object.entries(log)) if (text.trim()) box.append(el("p", { class: "quiet small" }, `end of ${name}`),
      el("pre", {}, text.split("\n").slice(-40).map(plain).join("\n")));
    if (!log.stdout.trim() && !log.stderr.trim()) box.append(el("p", { class: "quiet small" }, "wrote nothing"));
    return box;
  });
  card.append(el("div", { class: "replicas" }, boxes));
  const kept = card.querySelectorAll("pre");
  for (const pre of kept) pre.scrollTop = pre.scrollHeight;
}

/** From `host.csv`: for each replica its memory and its share of a CPU over time. */
function hostSeries() {
  const [columns = [], ...rows] = D.host, result = new Map();
  const find = (...names) => names.map((name) => columns.indexOf(name)).find((n) => n >= 0) ?? -1;
  const time = find("time_ns"), who = find("subject", "replica");
  const cpu = find("cpu_ns", "cpu_ms"), memory = find("rss_kb", "rss_bytes");
  if (time < 0 || who < 0) return result;
  for (const id of D.replicas) {
    const own = rows.filter((row) => row[who] === id);
    const list = [];
    if (memory >= 0) list.push(["memory", "MB", own.filter((row) => row[memory] !== "").map((row) => [row[time] / 1000, row[memory] / (columns[memory] === "rss_kb" ? 1024 : 1 << 20)])]);
    if (cpu >= 0) {
      const scale = columns[cpu] === "cpu_ns" ? 1 : 1e6;
      // Of two looks in short order the difference says nothing.
      let last = -Infinity;
      const used = own.filter((row) => row[cpu] !== "" && row[time] - last > 2.5e8 && ((last = Number(row[time])), true));
      list.push(["CPU", "%", used.slice(1).map((row, n) => [row[time] / 1000, Math.max(0, (100 * scale * (row[cpu] - used[n][cpu])) / Math.max(1, row[time] - used[n][time]))])]);
    }
    result.set(id, list.filter(([, , points]) => points.length > 1));
  }
  return result;
}

/** A small picture over the whole run, faults shaded; the value under the mouse. */
function spark(parent, name, unit, points) {
  const most = Math.max(...points.map(([, n]) => n), 0.001);
  const digits = most < 10 ? 1 : 0;
  parent.append(el("p", { class: "quiet small" }, `${name}: at most ${most.toFixed(digits)} ${unit}`));
  const view = picture(parent, 44, (g, width, tall) => {
    const x = (t) => (t / D.end) * width, y = (n) => 3 + (1 - n / most) * (tall - 6);
    drawFaults(g, x, 0, D.end, 0, width, 0, tall, false);
    g.strokeStyle = colours.ok; g.lineWidth = 1.6; g.beginPath();
    points.forEach(([t, n], i) => (i ? g.lineTo(x(t), y(n)) : g.moveTo(x(t), y(n))));
    g.stroke(); g.lineWidth = 1;
    g.strokeStyle = colours.line; g.strokeRect(0.5, 0.5, width - 1, tall - 1);
  }, `${name} over time`);
  view.canvas.addEventListener("mousemove", (event) => {
    const box = view.canvas.getBoundingClientRect(), t = ((event.clientX - box.left) / box.width) * D.end;
    const near = points.reduce((best, point) => (Math.abs(point[0] - t) < Math.abs(best[0] - t) ? point : best));
    showTip(event, `${at(Math.round(near[0]))}: ${near[1].toFixed(digits)} ${unit}`);
  });
  view.canvas.addEventListener("mouseleave", () => showTip(null, ""));
}

/** From `host.csv`: how the host was, as the harness saw it. */
function host() {
  const [columns = [], ...rows] = D.host, column = (name) => columns.indexOf(name);
  const own = rows.filter((row) => row[column("subject")] === "harness");
  if (own.length < 2) return;
  const card = section("host", "Host", "What the harness measured of its host during the run. Where a line rises, the host may be the cause.");
  const boxes = el("div", { class: "replicas" }), never = [];
  const looked = (name, scale) => own.filter((row) => row[column(name)] > "").map((row) => [row[0] / 1000, row[column(name)] / scale]);
  // What is counted up: its growth from look to look, as a share of the time.
  const share = (name, per) => {
    const known = own.filter((row) => row[column(name)] > "");
    return known.slice(1).map((row, n) => [row[0] / 1000, Math.min(100, (100 * per * (row[column(name)] - known[n][column(name)])) / Math.max(1, row[0] - known[n][0]))]);
  };
  for (const [name, unit, points] of [
    ["the harness's loop was late", "ms", looked("lag_us", 1000)],
    ["processes waited for a processor", "%", share("cpu_pressure_us", 1000)],
    ["processes waited for a disk", "%", share("io_pressure_us", 1000)],
    ["processes waited for memory", "%", share("memory_pressure_us", 1000)],
    ["a hypervisor took processors away", "ticks", own.slice(1).map((row, n) => [row[0] / 1000, row[column("steal_ticks")] - own[n][column("steal_ticks")]])],
  ]) {
    if (points.length < 2 || points.some(([, n]) => Number.isNaN(n))) continue;
    if (points.every(([, n]) => n === 0)) { never.push(name); continue; }
    const box = el("div");
    boxes.append(box);
    spark(box, name, unit, points);
  }
  card.append(boxes);
  if (never.length) card.append(el("p", { class: "quiet small" }, `Never: ${never.join("; ")}.`));
}
