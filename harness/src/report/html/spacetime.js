// Lamport's space-time diagram: a vertical line for each process, time runs down, an arrow is a message.

const MOST_ARROWS = 10000;
const FEW_ARROWS = 150;

function spacetime() {
  const M = D.messages;
  const card = section("spacetime", "Space-time diagram",
    "One line per process, time runs down, one arrow per message. A lost message breaks off, with the cause. Wheel to zoom, drag to move.");
  if (!M.sent.length) { card.append(el("p", {}, "No messages were written down.")); return; }
  const whole = { from: Math.max(0, M.sent[0] - 100), to: Math.min(D.end, M.sent[M.sent.length - 1] + 1000) };
  const range = { ...whole };
  // Of the clients those of the witness, or few: the replicas need the room.
  const taking = [...new Set(WITNESS.map((i) => D.clients[OPS.client[i]]))];
  const state = { type: -1, clients: !taking.length && D.clients.length <= 6 && innerWidth > 760 };
  const delivered = M.fates.indexOf("delivered");
  const longest = M.took.reduce((most, us) => Math.max(most, us), 0);
  const isReplica = M.nodes.map((node) => D.replicas.includes(node));
  const note = el("span", { class: "quiet small" });
  const button = (text, act) => el("button", { type: "button", onclick: act }, text);
  const clients = el("button", { type: "button", "aria-pressed": state.clients, onclick: () => {
    state.clients = !state.clients; clients.setAttribute("aria-pressed", state.clients); view.ask(); } }, taking.length ? "all clients" : "clients");
  card.append(el("div", { class: "tools" }, WITNESS.length ? button("counterexample", () => open()) : null, button("same time as the timeline", () => {
    zoom.set(page.timeline.range.from, page.timeline.range.to); }),
  button("+", () => zoom.scale(0.5, (range.from + range.to) / 2)), button("−", () => zoom.scale(2, (range.from + range.to) / 2)),
  el("select", { "aria-label": "Message type", onchange: (event) => { state.type = Number(event.target.value); view.ask(); } },
    el("option", { value: -1 }, "all types"), M.types.map((type, n) => el("option", { value: n }, plain(type)))),
  clients, el("span", { class: "space" }), note));
  if (M.sent.length < M.total) card.append(el("p", { class: "small" },
    `Of ${grouped(M.total)} messages the page holds ${grouped(M.sent.length)}; the others are in messages.jsonl.`));

  const top = 30, left = 66;
  const y = (t) => top + ((t - range.from) / (range.to - range.from)) * (view.tall - top - 12);
  const time = (py) => range.from + ((py - top) / (view.tall - top - 12)) * (range.to - range.from);
  // What can have carried news of the first put that was acknowledged too early.
  const early = D.verdict?.durability?.first;
  const us = (ns) => Math.floor(ns / 1000);
  const name = (it) => `${it.from} ${it.to} ${us(it.sent_ns)}`;
  const carriers = new Set((early?.messages || []).map(name));
  const carries = (i) => carriers.has(`${M.nodes[M.from[i]]} ${M.nodes[M.to[i]]} ${M.sent[i]}`);
  let columns = [], places = new Map(), arrows = [], words = [];

  function draw(g, width, tall) {
    const clientsShown = (state.clients ? D.clients : taking).filter((id) => M.nodes.includes(id));
    columns = [...[...clientsShown].sort(), ...D.replicas];
    const gap = (width - left - 36) / Math.max(1, columns.length - 1);
    places = new Map(columns.map((id, n) => [M.nodes.indexOf(id), left + 12 + n * gap]));
    const { marks, step } = steps(range.from, range.to, tall - top, 50);
    g.textAlign = "right";
    for (const t of marks) {
      g.strokeStyle = colours.line; g.beginPath(); g.moveTo(left, y(t)); g.lineTo(width - 6, y(t)); g.stroke();
      g.fillStyle = colours.quiet; g.fillText(timeLabel(t, step), left - 6, y(t));
    }
    const names = [];
    for (const fault of D.faults) {
      if (fault.begin == null || fault.kind === "part_end") continue;
      const a = Math.max(top, y(fault.begin)), b = Math.min(tall - 12, y(fault.end ?? fault.begin));
      if (b < top || a > tall - 12) continue;
      g.fillStyle = colours.band; if (fault.end != null) g.fillRect(left, a, width - left - 6, Math.max(b - a, 1));
      else { g.strokeStyle = colours.kill; g.setLineDash([5, 3]); g.beginPath(); g.moveTo(left, a); g.lineTo(width - 6, a); g.stroke(); g.setLineDash([]); }
      names.push([fault, Math.min(a + 9, tall - 22)]);
    }
    const deaths = new Map((D.verdict?.replicas || []).filter((r) => r.death).map((r) => [r.id, r.death.time_ns / 1000]));
    g.textAlign = "center";
    columns.forEach((id, n) => {
      const px = left + 12 + n * gap, isOne = D.replicas.includes(id);
      const death = Math.min(tall - 12, Math.max(top, deaths.has(id) ? y(deaths.get(id)) : tall - 12));
      g.strokeStyle = isOne ? colours.ink : colours.quiet; g.lineWidth = isOne ? 1.5 : 1;
      g.beginPath(); g.moveTo(px, top); g.lineTo(px, death); g.stroke(); g.lineWidth = 1;
      if (death < tall - 12) { g.fillStyle = colours.bad; g.fillText("✕", px, death); }
      g.fillStyle = isOne ? colours.ink : colours.quiet;
      if (gap > 30 || n % Math.ceil(32 / gap) === 0) g.fillText(plain(id), px, 12);
    });
    for (const i of WITNESS) {
      const px = places.get(M.nodes.indexOf(D.clients[OPS.client[i]]));
      if (px === undefined) continue;
      const a = Math.max(top, y(OPS.invoke[i])), b = Math.min(tall - 12, y(OPS.took[i] < 0 ? D.end : OPS.invoke[i] + OPS.took[i]));
      if (b < top || a > tall - 12) continue;
      g.fillStyle = colours.bad; g.globalAlpha = 0.8; g.fillRect(px - 3, a, 6, Math.max(b - a, 2)); g.globalAlpha = 1;
      names.push([i, Math.min(Math.max((a + b) / 2, top + 9), tall - 22), px]);
    }
    arrows = [];
    words = [];
    for (let i = lower(M.sent, range.from - longest); i < M.sent.length && M.sent[i] <= range.to; i++) {
      if (M.sent[i] + M.took[i] < range.from || (state.type >= 0 && M.type[i] !== state.type)) continue;
      if (!places.has(M.from[i]) || !places.has(M.to[i])) continue;
      arrows.push(i);
    }
    // Too many are thinned out all over the window.
    const all = arrows.length;
    if (all > MOST_ARROWS) arrows = Array.from({ length: MOST_ARROWS }, (_, n) => arrows[Math.floor((n * all) / MOST_ARROWS)]);
    g.save(); g.beginPath(); g.rect(left, top, width - left, tall - top - 12); g.clip();
    for (const i of arrows) arrow(g, places.get(M.from[i]), places.get(M.to[i]), i);
    for (const [what, py, px] of names) if (px === undefined) nameFault(g, what, width, py); else badge(g, px, py, NUMBERS.get(what));
    if (early && places.has(M.nodes.indexOf(early.by))) acknowledgement(g);
    g.restore();
    view.arrows = arrows.length;
    note.textContent = `${grouped(arrows.length)} arrows, ${at(Math.round(range.from))} to ${at(Math.round(range.to))}` +
      (all > arrows.length ? `; ${grouped(all - arrows.length)} more are left out: zoom in` : "");
  }

  /** Where the put was acknowledged too early. */
  function acknowledgement(g) {
    const px = places.get(M.nodes.indexOf(early.by)), py = y(us(early.at_ns));
    if (py < top || py > view.tall - 12) return;
    g.fillStyle = colours.bad; g.beginPath(); g.arc(px, py, 4, 0, 7); g.fill();
    g.textAlign = "left"; g.fillText("acknowledged", px + 8, py);
  }

  function nameFault(g, fault, width, py) {
    const room = width - left - 20;
    const text = g.measureText(faultName(fault)).width < room ? faultName(fault) : faultTitle(fault);
    const wide = g.measureText(text).width;
    g.globalAlpha = 0.85; g.fillStyle = colours.paper; g.fillRect(width - 14 - wide, py - 8, wide + 8, 16); g.globalAlpha = 1;
    g.textAlign = "right"; g.fillStyle = fault.end == null ? colours.kill : colours["band-edge"];
    g.fillText(text, width - 10, py);
  }

  /** When an arrow ends: handing over takes next to no time, and a little slope shows its direction. */
  function arrival(i) {
    const lean = Math.min(8, 6000 / Math.max(1, range.to - range.from));
    return Math.max(y(M.sent[i] + M.took[i]), y(M.sent[i]) + lean);
  }

  function arrow(g, a, b, i) {
    const ya = y(M.sent[i]), yb = arrival(i), arrives = M.fate[i] === delivered;
    const crowded = arrows.length > 1500;
    g.strokeStyle = g.fillStyle = arrives ? (isReplica[M.from[i]] && isReplica[M.to[i]] ? colours.ok : colours.quiet) : colours.fail;
    g.globalAlpha = crowded ? 0.45 : 0.85;
    if (arrives && carries(i)) { g.strokeStyle = g.fillStyle = colours.bad; g.globalAlpha = 1; }
    const share = arrives ? 1 : 0.6;
    const xe = a + (b - a) * share, ye = ya + (yb - ya) * share;
    g.setLineDash(arrives ? [] : [4, 3]);
    g.beginPath(); g.moveTo(a, ya); g.lineTo(xe, ye); g.stroke();
    g.setLineDash([]);
    const angle = Math.atan2(yb - ya, b - a);
    if (arrives) {
      g.beginPath(); g.moveTo(xe, ye);
      g.lineTo(xe - 6 * Math.cos(angle - 0.35), ye - 6 * Math.sin(angle - 0.35));
      g.lineTo(xe - 6 * Math.cos(angle + 0.35), ye - 6 * Math.sin(angle + 0.35)); g.fill();
    } else {
      g.lineWidth = 1.6; g.beginPath(); g.moveTo(xe - 4, ye - 4); g.lineTo(xe + 4, ye + 4); g.moveTo(xe + 4, ye - 4); g.lineTo(xe - 4, ye + 4); g.stroke(); g.lineWidth = 1;
      if (!crowded && Math.abs(b - a) > 70 && arrows.length < 250) word(g, M.fates[M.fate[i]].replaceAll("_", " "), xe + (b > a ? 16 : -16), ye - 9);
    }
    g.globalAlpha = 1;
    if (arrives && arrows.length < 80 && Math.abs(b - a) > 60) {
      g.fillStyle = colours.quiet;
      word(g, plain(M.types[M.type[i]]).slice(0, 18), (a + b) / 2, (ya + yb) / 2 - 7);
    }
  }

  /** A word at an arrow, if no other is there: the tip has them all. */
  function word(g, text, x, y) {
    if (words.some(([px, py]) => Math.abs(px - x) < 70 && Math.abs(py - y) < 11)) return;
    words.push([x, y]);
    g.textAlign = "center";
    g.fillText(text, x, y);
  }

  const view = picture(card, () => (innerWidth < 760 ? 420 : 560), draw, "Messages between processes over time");
  view.canvas.id = "spacetime-canvas";
  const zoom = zoomable(view, range, whole, time, () => view.ask(), true);
  view.canvas.addEventListener("mousemove", (event) => {
    const box = view.canvas.getBoundingClientRect(), px = event.clientX - box.left, py = event.clientY - box.top;
    let best = -1, near = 8;
    for (const i of arrows) {
      const a = places.get(M.from[i]), b = places.get(M.to[i]), share = (px - a) / (b - a);
      if (!(share >= 0 && share <= 1)) continue;
      const ya = y(M.sent[i]), yb = arrival(i);
      const far = Math.abs(ya + (yb - ya) * share - py);
      if (far < near) { near = far; best = i; }
    }
    showTip(event, best < 0 ? "" : `${plain(M.types[M.type[best]])}: ${M.nodes[M.from[best]]} to ${M.nodes[M.to[best]]}\n` +
      `sent at ${at(M.sent[best])}, ` + (M.fate[best] === delivered ? `handed over ${took(M.took[best])} later` : `lost: ${M.fates[M.fate[best]].replaceAll("_", " ")}`));
  });
  view.canvas.addEventListener("mouseleave", () => showTip(null, ""));
  legend(card, [
    ["between replicas", (g, w, h) => { g.strokeStyle = g.fillStyle = colours.ok; g.beginPath(); g.moveTo(0, h / 2); g.lineTo(w - 4, h / 2); g.stroke(); g.beginPath(); g.moveTo(w, h / 2); g.lineTo(w - 7, h / 2 - 3); g.lineTo(w - 7, h / 2 + 3); g.fill(); }],
    ["with clients", (g, w, h) => { g.strokeStyle = colours.quiet; g.beginPath(); g.moveTo(0, h / 2); g.lineTo(w, h / 2); g.stroke(); }],
    ["lost", (g, w, h) => { g.strokeStyle = colours.fail; g.setLineDash([4, 3]); g.beginPath(); g.moveTo(0, h / 2); g.lineTo(w - 8, h / 2); g.stroke(); g.setLineDash([]); g.beginPath(); g.moveTo(w - 11, 2); g.lineTo(w - 3, h - 2); g.moveTo(w - 3, 2); g.lineTo(w - 11, h - 2); g.stroke(); }],
  ]);
  function open() {
    const o = opening();
    if (WITNESS.length) { zoom.set(o.from, o.to); return; }
    // From the middle on, as many as can be told apart.
    const middle = Math.floor(M.sent.length / 2), last = Math.min(M.sent.length - 1, middle + FEW_ARROWS);
    zoom.set(M.sent[middle], Math.min(M.sent[last], M.sent[middle] + 100000));
  }
  open();
  page.spacetime = { view, range };
}
