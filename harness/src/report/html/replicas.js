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
      el("p", {}, "lived to the end");
    const facts = [replica.connect_ms != null ? `connected after ${replica.connect_ms} ms` : "never connected",
      replica.cpu_ms != null ? `${grouped(replica.cpu_ms)} ms of CPU` : null, `${grouped(replica.output_bytes || 0)} bytes of output`].filter(Boolean);
    const box = el("div", {}, el("h3", {}, id), life, el("p", { class: "quiet small" }, facts.join(", ")));
    if (replica.digest) box.append(el("p", { class: "small" }, `state at the end: commit ${replica.commit}, digest `, el("code", {}, plain(replica.digest)),
      digests.size > 1 ? el("span", { class: "mark invalid" }, " (not all agree)") : ""));
    for (const fault of D.faults.filter((it) => it.begin != null && it.what.split(/[ |]+/).includes(id) && !it.kind.startsWith("part")))
      box.append(el("p", { class: "small" }, `${fault.kind.replaceAll("_", " ")} at ${at(fault.begin)}${fault.end == null ? "" : ` to ${at(fault.end)}`}`));
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
      const used = own.filter((row) => row[cpu] !== "");
      list.push(["CPU", "%", used.slice(1).map((row, n) => [row[time] / 1000, Math.max(0, (100 * scale * (row[cpu] - used[n][cpu])) / Math.max(1, row[time] - used[n][time]))])]);
    }
    result.set(id, list.filter(([, , points]) => points.length > 1));
  }
  return result;
}

function spark(parent, name, unit, points) {
  const most = Math.max(...points.map(([, n]) => n), 0.001);
  parent.append(el("p", { class: "quiet small" }, `${name}: at most ${most.toFixed(1)} ${unit}`));
  picture(parent, 44, (g, width, tall) => {
    g.strokeStyle = colours.ok; g.lineWidth = 1.6; g.beginPath();
    points.forEach(([t, n], i) => { const x = (t / D.end) * width, y = 2 + (1 - n / most) * (tall - 4); if (i) g.lineTo(x, y); else g.moveTo(x, y); });
    g.stroke(); g.lineWidth = 1;
    g.strokeStyle = colours.line; g.strokeRect(0.5, 0.5, width - 1, tall - 1);
  }, `${name} over time`);
}
