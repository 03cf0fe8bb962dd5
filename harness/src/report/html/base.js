// What all parts of the page stand on: the data, words for numbers, canvases, the tip, a time axis.

const D = JSON.parse(document.getElementById("data").textContent);
const OPS = D.operations;
const FONT = "12px system-ui, 'DejaVu Sans', sans-serif";
const OUTCOMES = ["ok", "fail", "info"];

function section(id, title, about) {
  const card = el("section", { class: "card", id }, el("h2", {}, title));
  if (about) card.append(el("p", { class: "quiet small" }, about));
  document.getElementById("sections").append(card);
  document.getElementById("contents").append(el("a", { href: `#${id}` }, title));
  return card;
}

/** A duration in microseconds, with about three digits. */
function took(us) {
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1e6) return `${(us / 1000).toPrecision(3)} ms`.replace(/(\.\d*?)0+ ms$/, "$1 ms").replace(". ms", " ms");
  return `${(us / 1e6).toPrecision(3)} s`;
}

const at = (us) => `${(us / 1e6).toFixed(us % 1000 ? 6 : 3)} s`;

const quoted = (text) => `"${plain(text)}"`;

// Colours come from the style, so that light, dark and print have their own.
let colours = {};
function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["paper", "ground", "ink", "quiet", "line", "ok", "fail", "info", "bad", "good", "warn",
    "band", "band-edge", "kill", "leader", "lane"]) colours[name] = style.getPropertyValue(`--${name}`).trim();
}
readColours();

const views = [];
/** A canvas that is drawn again when its width, the colours or the view change. */
function picture(parent, height, draw, label) {
  const canvas = el("canvas", { role: "img", "aria-label": label });
  parent.append(canvas);
  const view = { canvas, draw, height, width: 0, asked: false };
  view.paint = () => {
    view.asked = false;
    const tall = typeof view.height === "function" ? view.height() : view.height;
    const ratio = Math.min(window.devicePixelRatio || 1, 3);
    view.width = canvas.clientWidth || parent.clientWidth || 600;
    view.tall = tall;
    canvas.style.height = `${tall}px`;
    if (canvas.width !== Math.round(view.width * ratio) || canvas.height !== Math.round(tall * ratio)) {
      canvas.width = Math.round(view.width * ratio);
      canvas.height = Math.round(tall * ratio);
    }
    const g = canvas.getContext("2d");
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, view.width, tall);
    g.font = FONT;
    g.textBaseline = "middle";
    draw(g, view.width, tall, view);
  };
  view.ask = () => {
    if (view.asked) return;
    view.asked = true;
    requestAnimationFrame(view.paint);
  };
  views.push(view);
  return view;
}

function repaint() { readColours(); for (const view of views) view.ask(); }
window.addEventListener("resize", repaint);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
// Paper is white, whatever the screen is.
function printing(isOn) {
  document.documentElement.classList.toggle("printing", isOn);
  // Folded parts cannot be opened on paper.
  for (const folded of document.querySelectorAll(isOn ? "details:not([open])" : "details.unfolded")) {
    folded.open = isOn;
    folded.classList.toggle("unfolded", isOn);
  }
  readColours();
  for (const view of views) {
    view.paint();
    // Narrower than the screen, it shrinks as a whole.
    if (isOn) view.canvas.style.height = "auto";
  }
}
window.addEventListener("beforeprint", () => printing(true));
window.addEventListener("afterprint", () => printing(false));

const tip = document.getElementById("tip");
function showTip(event, text) {
  if (!text) { tip.hidden = true; return; }
  tip.textContent = text;
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  let x = event.clientX + 14, y = event.clientY + 16;
  if (x + box.width > innerWidth - 6) x = Math.max(6, innerWidth - box.width - 6);
  if (y + box.height > innerHeight - 6) y = Math.max(6, event.clientY - box.height - 12);
  tip.style.left = `${x}px`;
  tip.style.top = `${y}px`;
}

/** Round steps between two times, about one for each `pixels`. */
function steps(from, to, width, pixels = 90) {
  const wanted = ((to - from) * pixels) / Math.max(width, 1);
  const power = 10 ** Math.floor(Math.log10(Math.max(wanted, 1)));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= wanted) || power * 10;
  const marks = [];
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) marks.push(t);
  return { marks, step };
}

function timeLabel(t, step) {
  if (step >= 1e6) return `${Math.round(t / 1e6)} s`;
  if (step >= 1000) return `${(t / 1e6).toFixed(step >= 1e5 ? 1 : step >= 1e4 ? 2 : 3)} s`;
  return `${(t / 1000).toFixed(step >= 100 ? 1 : step >= 10 ? 2 : 3)} ms`;
}

function timeAxis(g, x, from, to, left, right, y, height) {
  const { marks, step } = steps(from, to, right - left);
  g.textAlign = "center";
  for (const t of marks) {
    const px = Math.round(x(t)) + 0.5;
    g.strokeStyle = colours.line;
    g.beginPath(); g.moveTo(px, y - height); g.lineTo(px, y); g.stroke();
    g.fillStyle = colours.quiet;
    if (px > left + 8 && px < right - 14) g.fillText(timeLabel(t, step), px, y + 11);
  }
}

/** Faults as shaded bands, those without duration as lines; each with its name, or its kind, if there is room. */
function drawFaults(g, x, from, to, left, right, top, bottom, named) {
  const shown = D.faults.filter((fault) => fault.begin != null && fault.kind !== "part_end" && (fault.end ?? fault.begin) >= from && fault.begin <= to);
  for (const fault of shown) {
    const a = Math.max(left, x(fault.begin)), b = Math.min(right, x(fault.end ?? fault.begin));
    if (fault.end != null) {
      g.fillStyle = colours.band;
      g.fillRect(a, top, Math.max(b - a, 1), bottom - top);
      g.strokeStyle = colours["band-edge"];
      g.setLineDash([2, 3]);
      g.strokeRect(a + 0.5, top + 0.5, Math.max(b - a - 1, 1), bottom - top - 1);
    } else {
      g.strokeStyle = colours.kill;
      g.setLineDash([5, 3]);
      g.beginPath(); g.moveTo(a + 0.5, top); g.lineTo(a + 0.5, bottom); g.stroke();
    }
    g.setLineDash([]);
  }
  if (named) nameFaults(g, shown, (fault) => Math.max(left, x(fault.begin)), left, right, top);
}

/** Two rows of names above the bands; none lies over another, and a long one leaves room for the next. */
function nameFaults(g, faults, begin, left, right, top) {
  const free = [-Infinity, -Infinity];
  g.textAlign = "left";
  faults.forEach((fault, n) => {
    const next = faults[n + 2] ? begin(faults[n + 2]) : Infinity;
    for (const text of [faultName(fault), faultTitle(fault)]) {
      const wide = g.measureText(text).width;
      const start = Math.max(left, Math.min(begin(fault) + 3, right - wide - 2));
      const row = free.findIndex((end) => start >= end);
      const isWhole = text !== faultTitle(fault);
      // Far from its band a name would be read as another's.
      if (row < 0 || start + wide > right || (isWhole && (start + wide > next || start < begin(fault) - 150))) continue;
      g.fillStyle = fault.end == null ? colours.kill : colours["band-edge"];
      g.fillText(text, start, top - 20 + row * 13);
      free[row] = start + wide + 8;
      return;
    }
  });
}

/** The number of an operation of the witness. */
function badge(g, px, py, number) {
  g.fillStyle = colours.bad;
  g.beginPath(); g.arc(px, py, 8, 0, 7); g.fill();
  g.fillStyle = colours.paper; g.textAlign = "center";
  g.font = "bold 11px system-ui, sans-serif";
  g.fillText(number, px, py + 0.5);
  g.font = FONT;
}

const faultTitle = (fault) => `${fault.end == null ? "✕ " : ""}${fault.title.replaceAll("_", " ")}`;
const faultName = (fault) => `${faultTitle(fault)} ${plain(fault.what)}`.trim();

/** First place in a sorted array whose value is not below `value`. */
function lower(array, value) {
  let low = 0, high = array.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (array[middle] < value) low = middle + 1; else high = middle;
  }
  return low;
}

/** Zoom by wheel, drag, pinch and keys on `[range.from, range.to]`, which never leaves `whole`. */
function zoomable(view, range, whole, place, changed, vertical = false) {
  const { canvas } = view;
  canvas.classList.add("zoom");
  canvas.tabIndex = 0;
  const smallest = 20;
  const set = (from, to) => {
    let span = Math.min(Math.max(to - from, smallest), whole.to - whole.from);
    from = Math.min(Math.max(from, whole.from), whole.to - span);
    range.from = from; range.to = from + span;
    changed();
  };
  const scale = (factor, t) => {
    const span = Math.min(Math.max((range.to - range.from) * factor, smallest), whole.to - whole.from);
    const share = (t - range.from) / (range.to - range.from);
    set(t - span * share, t - span * share + span);
  };
  const position = (event) => {
    const box = canvas.getBoundingClientRect();
    return place(vertical ? event.clientY - box.top : event.clientX - box.left);
  };
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
      const move = ((event.deltaX || event.deltaY) / 600) * (range.to - range.from);
      set(range.from + move, range.to + move);
    } else scale(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), position(event));
  }, { passive: false });
  const fingers = new Map();
  let moved = 0, spread = 0;
  canvas.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, event);
    canvas.setPointerCapture(event.pointerId);
    moved = 0; spread = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const step = vertical ? event.clientY - last.clientY : event.clientX - last.clientX;
    moved += Math.abs(step);
    if (fingers.size === 2) {
      fingers.set(event.pointerId, event);
      const [a, b] = [...fingers.values()];
      const now = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
      if (spread > 0 && now > 0) scale(spread / now, (position(a) + position(b)) / 2);
      spread = now;
      return;
    }
    if (moved > 3) canvas.classList.add("dragging");
    const shift = position(last) - position(event);
    fingers.set(event.pointerId, event);
    set(range.from + shift, range.to + shift);
  });
  const up = (event) => {
    fingers.delete(event.pointerId);
    canvas.classList.remove("dragging");
    view.wasDragged = moved > 3;
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("keydown", (event) => {
    const span = range.to - range.from, middle = (range.from + range.to) / 2;
    const act = { ArrowLeft: () => set(range.from - span / 5, range.to - span / 5),
      ArrowRight: () => set(range.from + span / 5, range.to + span / 5),
      "+": () => scale(0.6, middle), "=": () => scale(0.6, middle), "-": () => scale(1.6, middle),
      0: () => set(whole.from, whole.to) }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  return { set, scale };
}

// An operation's shape tells its outcome without colour: full, hatched, or an open outline.
function bar(g, x, y, width, height, outcome) {
  const colour = colours[OUTCOMES[outcome]];
  if (outcome === 0) { g.fillStyle = colour; g.fillRect(x, y, width, height); return; }
  if (outcome === 1) {
    g.fillStyle = colour; g.globalAlpha = 0.3; g.fillRect(x, y, width, height); g.globalAlpha = 1;
    if (width > 2) {
      g.save(); g.beginPath(); g.rect(x, y, width, height); g.clip();
      g.strokeStyle = colour; g.lineWidth = 1.5; g.beginPath();
      for (let i = -height; i < width; i += 5) { g.moveTo(x + i, y + height); g.lineTo(x + i + height, y); }
      g.stroke(); g.restore();
    }
    return;
  }
  g.fillStyle = colour; g.globalAlpha = 0.13; g.fillRect(x, y, width, height); g.globalAlpha = 1;
  if (width <= 3) { g.fillStyle = colour; g.fillRect(x, y, width, height); return; }
  g.strokeStyle = colour; g.lineWidth = 1.2; g.setLineDash([4, 2]);
  g.strokeRect(x + 0.6, y + 0.6, width - 1.2, height - 1.2);
  g.setLineDash([]);
}

function legend(parent, entries) {
  const row = el("div", { class: "legend" });
  parent.append(row);
  for (const [text, draw] of entries) {
    const item = el("span");
    row.append(item);
    const view = picture(item, 12, (g, width, tall) => draw(g, width, tall), "");
    view.canvas.setAttribute("aria-hidden", "true");
    item.append(text);
  }
}

/** The words about an operation. */
function describe(i) {
  const end = OPS.took[i] < 0 ? null : OPS.invoke[i] + OPS.took[i];
  const value = OPS.value[i] < 0 ? "" : ` ${OPS.f[i] === "get" ? "→" : "="} ${quoted(D.values[OPS.value[i]])}`;
  const node = OPS.node[i] < 0 ? "" : ` at ${D.nodes[OPS.node[i]]}`;
  const error = OPS.error[i] < 0 ? "" : ` (${plain(D.errors[OPS.error[i]])})`;
  const time = end == null ? `from ${at(OPS.invoke[i])}, never answered` :
    `${at(OPS.invoke[i])} to ${at(end)}: ${took(OPS.took[i])}`;
  const events = OPS.end_event[i] < 0 ? `event ${OPS.event[i]}` : `events ${OPS.event[i]} and ${OPS.end_event[i]}`;
  return `${OPS.f[i]} ${quoted(D.keys[OPS.key[i]])}${value}\n${OUTCOMES[OPS.outcome[i]]}${error}${node}, ` +
    `client ${plain(D.clients[OPS.client[i]])} (process ${OPS.process[i]})\n${time}\n${events}`;
}

// The operations of the witness, as places in the columns.
const placeOf = new Map(OPS.op.map((op, i) => [op, i]));
const WITNESS = D.witness.map((op) => placeOf.get(op)).filter((i) => i !== undefined);
/** Their numbers, in the order of time. */
const NUMBERS = new Map([...WITNESS].sort((a, b) => OPS.invoke[a] - OPS.invoke[b]).map((i, n) => [i, n + 1]));
const WHOLE = { from: 0, to: D.end };

/** Where the page opens: around the witness, or everything. */
function opening() {
  if (!WITNESS.length) return { ...WHOLE };
  const begin = Math.min(...WITNESS.map((i) => OPS.invoke[i]));
  const end = Math.max(...WITNESS.map((i) => OPS.invoke[i] + Math.max(OPS.took[i], 0)));
  const margin = Math.max((end - begin) * 0.25, 3000);
  return { from: Math.max(0, begin - margin), to: Math.min(D.end, end + margin) };
}
