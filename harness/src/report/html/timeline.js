// The timeline: a lane for each client, faults across all, who led on top.

function timeline() {
  const card = section("timeline", "Timeline",
    "One lane per client, one bar per operation. Wheel or pinch to zoom, drag to move, click or tap to keep the details.");
  const range = opening();
  const state = { key: -1, pinned: -1, hover: -1, points: false };
  const lanes = D.clients.map(() => []);
  for (let i = 0; i < OPS.op.length; i++) lanes[OPS.client[i]].push(i);
  for (const lane of lanes) lane.sort((a, b) => OPS.invoke[a] - OPS.invoke[b]);
  const starts = lanes.map((lane) => lane.map((i) => OPS.invoke[i]));
  const longest = OPS.took.reduce((most, us) => Math.max(most, us), 0);
  const order = D.clients.map((_, n) => n).sort((a, b) => (D.clients[a] < D.clients[b] ? -1 : 1));
  const laneTall = Math.max(5, Math.min(28, Math.floor(560 / Math.max(1, lanes.length))));
  const strip = leadership();
  const rowTall = 13;
  const top = 34 + strip.rows.length * rowTall + 20;
  const left = () => (view.width < 500 ? 44 : 62);
  const tall = () => top + lanes.length * laneTall + 26;
  const witness = new Set(WITNESS);
  const points = new Map();
  for (const list of Object.values(D.points)) for (const [op, t] of list) {
    const i = placeOf.get(op);
    if (i !== undefined) points.set(i, t);
  }

  // Of very many keys that of the witness, and the first.
  const offered = () => [...new Set([...WITNESS.map((i) => OPS.key[i]), ...D.keys.keys()])].slice(0, 500);
  const span = el("span", { class: "quiet small" });
  const button = (text, act, title) => el("button", { type: "button", onclick: act, title }, text);
  const keys = el("select", { "aria-label": "Key", onchange: (event) => { state.key = Number(event.target.value); sync(); } },
    el("option", { value: -1 }, "all keys"),
    offered().map((n) => el("option", { value: n }, plain(D.keys[n]).slice(0, 60))));
  const dots = el("button", { type: "button", "aria-pressed": "false", id: "show-points",
    title: "An order that explains all answers: the moment at which each operation took effect",
    onclick: () => { state.points = !state.points; sync(); } }, "took effect");
  const tools = el("div", { class: "tools" },
    button("whole run", () => zoom.set(WHOLE.from, WHOLE.to)),
    WITNESS.length ? button("counterexample", () => { const o = opening(); zoom.set(o.from, o.to); }) : null,
    button("+", () => zoom.scale(0.5, (range.from + range.to) / 2), "closer"),
    button("−", () => zoom.scale(2, (range.from + range.to) / 2), "farther"),
    keys, dots, el("span", { class: "space" }), span);
  card.append(tools);
  if (OPS.op.length < D.operations_total) card.append(el("p", { class: "small" },
    `Of ${grouped(D.operations_total)} operations the page holds ${grouped(OPS.op.length)}, around ` +
    `${WITNESS.length ? "the counterexample" : "the beginning"}: more would make it too large. The others are in history.jsonl.`));

  const x = (t) => left() + ((t - range.from) / (range.to - range.from)) * (view.width - left() - 8);
  const time = (px) => range.from + ((px - left()) / (view.width - left() - 8)) * (range.to - range.from);

  function draw(g, width, height) {
    const l = left(), right = width - 8, bottom = top + lanes.length * laneTall;
    g.textAlign = "right";
    order.forEach((client, row) => {
      if (row % 2 === 0) { g.fillStyle = colours.lane; g.fillRect(l, top + row * laneTall, right - l, laneTall); }
      g.fillStyle = colours.quiet;
      const every = Math.ceil(12 / laneTall);
      if (row % every === 0) g.fillText(plain(D.clients[client]), l - 6, top + (row + 0.5) * laneTall);
    });
    timeAxis(g, x, range.from, range.to, l, right, bottom + 4, bottom + 4 - top);
    g.save(); g.beginPath(); g.rect(l, 0, right - l, height); g.clip();
    drawFaults(g, x, range.from, range.to, l, right, 32, bottom, true);
    strip.draw(g, x, range, 32, rowTall);
    let drawn = 0;
    order.forEach((client, row) => { drawn += drawLane(g, client, top + row * laneTall, l, right); });
    g.restore();
    g.textAlign = "right";
    g.fillStyle = colours.quiet;
    strip.rows.forEach((name, row) => g.fillText(name, l - 6, 32 + (row + 0.5) * rowTall + 1));
    view.drawn = drawn;
  }

  function drawLane(g, client, y, l, right) {
    const lane = lanes[client];
    let last = -Infinity, lastOutcome = -1, drawn = 0;
    const inset = laneTall > 9 ? 3 : 1;
    const marked = [];
    for (let n = lower(starts[client], range.from - longest); n < lane.length && starts[client][n] <= range.to; n++) {
      const i = lane[n];
      const a = x(OPS.invoke[i]);
      const end = OPS.took[i] < 0 ? D.end : OPS.invoke[i] + OPS.took[i];
      if (end < range.from) continue;
      if (witness.has(i) || i === state.pinned || i === state.hover) marked.push(i);
      const b = Math.max(x(end), a + 1);
      // What falls into the same pixel as its like is not drawn again.
      const pixel = Math.floor(b);
      if (pixel <= last && OPS.outcome[i] <= lastOutcome && state.key < 0) continue;
      const isOther = state.key >= 0 && OPS.key[i] !== state.key;
      g.globalAlpha = isOther ? 0.1 : 1;
      const from = Math.max(a, l - 4), to = Math.min(b, right + 4);
      const thin = OPS.f[i] === "get" && laneTall > 9 ? laneTall * 0.18 : 0;
      bar(g, from, y + inset + thin, to - from, laneTall - 2 * inset - 2 * thin, OPS.outcome[i]);
      g.globalAlpha = 1;
      drawn++;
      if (pixel > last) { last = pixel; lastOutcome = OPS.outcome[i]; } else lastOutcome = Math.max(lastOutcome, OPS.outcome[i]);
      if (to - from > 60 && laneTall > 13 && !isOther) {
        const value = OPS.value[i] < 0 ? "" : ` ${OPS.f[i] === "get" ? "→" : "="} ${plain(D.values[OPS.value[i]])}`;
        g.save(); g.beginPath(); g.rect(from + 3, y, to - from - 6, laneTall); g.clip();
        g.textAlign = "left";
        g.fillStyle = OPS.outcome[i] === 0 ? colours.paper : colours.ink;
        g.fillText(`${OPS.f[i]} ${plain(D.keys[OPS.key[i]])}${value}`, from + 5, y + laneTall / 2);
        g.restore();
      }
      if (state.points && points.has(i) && !isOther) {
        const px = x(points.get(i));
        g.fillStyle = colours.ink;
        g.beginPath(); g.moveTo(px, y + laneTall - 1); g.lineTo(px - 4, y); g.lineTo(px + 4, y); g.fill();
        g.strokeStyle = colours.paper; g.stroke();
      }
    }
    for (const i of marked) mark(g, i, y);
    return drawn;
  }

  function mark(g, i, y) {
    const a = x(OPS.invoke[i]);
    const b = Math.max(x(OPS.took[i] < 0 ? D.end : OPS.invoke[i] + OPS.took[i]), a + 2);
    g.strokeStyle = witness.has(i) ? colours.bad : colours.ink;
    g.lineWidth = witness.has(i) ? 2.5 : 1.5;
    g.strokeRect(a - 1.5, y + 1, b - a + 3, laneTall - 2);
    g.lineWidth = 1;
    if (NUMBERS.has(i)) badge(g, Math.max(left() + 9, Math.min(a - 2, view.width - 18)), y + laneTall / 2, NUMBERS.get(i));
  }

  function find(event) {
    const box = view.canvas.getBoundingClientRect();
    const px = event.clientX - box.left, row = Math.floor((event.clientY - box.top - top) / laneTall);
    if (row < 0 || row >= order.length || px < left() - 6) return -1;
    const t = time(px), slack = (4 * (range.to - range.from)) / view.width;
    const lane = lanes[order[row]], begins = starts[order[row]];
    let best = -1, near = slack;
    for (let n = lower(begins, t - longest - slack); n < lane.length && begins[n] <= t + slack; n++) {
      const i = lane[n];
      if (state.key >= 0 && OPS.key[i] !== state.key) continue;
      const end = OPS.took[i] < 0 ? D.end : begins[n] + OPS.took[i];
      const far = Math.max(0, begins[n] - t, t - end);
      if (far <= near) { best = i; near = far; }
    }
    return best;
  }

  const pinned = el("div", { class: "pinned quiet", id: "pinned", "aria-live": "polite" });
  const view = picture(card, tall, draw, "Operations of all clients over time");
  view.canvas.id = "timeline-canvas";
  const zoom = zoomable(view, range, WHOLE, time, () => sync());
  view.canvas.addEventListener("mousemove", (event) => {
    const i = find(event), box = view.canvas.getBoundingClientRect();
    if (i !== state.hover) { state.hover = i; view.ask(); }
    const y = event.clientY - box.top;
    showTip(event, i >= 0 ? describe(i) : y < top - 14 ? strip.at(time(event.clientX - box.left)) : "");
  });
  view.canvas.addEventListener("mouseleave", () => { state.hover = -1; showTip(null, ""); view.ask(); });
  view.canvas.addEventListener("click", (event) => {
    if (view.wasDragged) return;
    state.pinned = find(event);
    pinned.textContent = state.pinned < 0 ? "" : describe(state.pinned);
    view.ask();
  });
  legend(card, [
    ["ok", (g, w, h) => bar(g, 0, 1, w, h - 2, 0)], ["fail", (g, w, h) => bar(g, 0, 1, w, h - 2, 1)],
    ["info: unknown", (g, w, h) => bar(g, 0, 1, w, h - 2, 2)],
    ["get (thin)", (g, w, h) => bar(g, 0, 4, w, h - 8, 0)],
    ["fault", (g, w, h) => { g.fillStyle = colours.band; g.fillRect(0, 0, w, h); g.strokeStyle = colours["band-edge"]; g.setLineDash([2, 3]); g.strokeRect(0.5, 0.5, w - 1, h - 1); }],
    ["claims leadership", (g, w, h) => { g.fillStyle = colours.leader; g.fillRect(0, 3, w, h - 6); }],
    ["claimed by others", (g, w, h) => { g.fillStyle = colours.leader; g.globalAlpha = 0.35; g.fillRect(0, 3, w, h - 6); g.globalAlpha = 1; }],
    ["two at once", (g, w, h) => twoAtOnce(g, 0, 0, w, h)],
    ...(WITNESS.length ? [["counterexample", (g, w, h) => { g.strokeStyle = colours.bad; g.lineWidth = 2.5; g.strokeRect(2, 2, w - 4, h - 4); }]] : []),
  ]);
  card.append(pinned);

  function sync() {
    span.textContent = `${at(Math.round(range.from))} to ${at(Math.round(range.to))}`;
    dots.setAttribute("aria-pressed", state.points);
    const isKnown = state.key < 0 ? points.size > 0 : D.points[state.key] !== undefined;
    dots.disabled = !isKnown;
    if (!isKnown) { state.points = false; dots.setAttribute("aria-pressed", false); }
    view.ask();
  }
  sync();
  page.timeline = { range, view, zoom, state, find, x, laneOf: (i) => top + (order.indexOf(OPS.client[i]) + 0.5) * laneTall };
}

function twoAtOnce(g, x, y, width, height) {
  g.save(); g.beginPath(); g.rect(x, y, width, height); g.clip();
  g.fillStyle = colours.bad; g.globalAlpha = 0.25; g.fillRect(x, y, width, height); g.globalAlpha = 1;
  g.strokeStyle = colours.bad; g.lineWidth = 1.5; g.beginPath();
  for (let i = -height; i < width; i += 6) { g.moveTo(x + i, y + height); g.lineTo(x + i + height, y); }
  g.stroke(); g.restore();
}

/** Leadership claims: a row for each replica that was ever claimed to lead. */
function leadership() {
  const rows = [...new Set(D.leaders.map((claim) => claim.leader).filter(Boolean))].sort();
  // For each moment: the leader that each replica claims.
  const said = new Map();
  const spans = [], twice = [];
  const open = new Map();
  let since = null;
  const close = (name, t) => { const span = open.get(name); if (span && t > span.from) spans.push({ ...span, to: t }); open.delete(name); };
  for (const claim of [...D.leaders, { time: D.end, stop: true }]) {
    const t = claim.time;
    if (!claim.stop) said.set(claim.replica ?? "", claim.leader);
    for (const name of rows) {
      const claimants = claim.stop ? [] : [...said].filter(([, leader]) => leader === name).map(([replica]) => replica);
      const own = claimants.includes(name) || claimants.includes("");
      const before = open.get(name);
      if (before && before.own === own && before.count === claimants.length) continue;
      close(name, t);
      if (claimants.length) open.set(name, { name, from: t, own, count: claimants.length, claimants });
    }
    const own = [...open.values()].filter((span) => span.own);
    if (own.length > 1 && since == null) since = { from: t, names: own.map((span) => span.name) };
    if (own.length <= 1 && since != null) { if (t > since.from) twice.push({ ...since, to: t }); since = null; }
  }
  return {
    rows, twice,
    draw(g, x, range, y, tall) {
      for (const span of spans) {
        if (span.to < range.from || span.from > range.to) continue;
        const a = x(span.from), b = x(span.to);
        g.fillStyle = colours.leader;
        g.globalAlpha = span.own ? 1 : 0.35;
        g.fillRect(a, y + rows.indexOf(span.name) * tall + 1, Math.max(b - a, 1), tall - 2);
        g.globalAlpha = 1;
      }
      for (const span of twice) {
        if (span.to < range.from || span.from > range.to) continue;
        twoAtOnce(g, x(span.from), y, Math.max(x(span.to) - x(span.from), 3), rows.length * tall);
      }
    },
    at(t) {
      const both = twice.find((span) => span.from <= t && t < span.to);
      const now = spans.filter((span) => span.from <= t && t < span.to);
      const fault = D.faults.filter((it) => it.begin != null && it.end != null && it.begin <= t && t < it.end);
      const lines = now.map((span) => `${span.name} leads, claimed by ` +
        span.claimants.map((s) => (s === span.name ? "itself" : s || "the last known leader")).join(", "));
      if (both) lines.unshift(`Two leaders at once: ${both.names.join(" and ")}`);
      return [at(Math.round(t)), ...lines, ...fault.map((it) => faultName(it))].join("\n");
    },
  };
}
