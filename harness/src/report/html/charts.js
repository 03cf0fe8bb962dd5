// Latency and rates over time.

function latency() {
  const card = section("latency", "Latency",
    "Every completed operation as a point, on a logarithmic axis; the lines are running quantiles of the answered ones." +
    (OPS.op.length < D.operations_total ? " Only of the operations that the page holds; latency.csv has all." : ""));
  const state = { f: "all", outcome: "all" };
  const tools = el("div", { class: "tools" });
  const choice = (label, name, words) => {
    const select = el("select", { "aria-label": label, onchange: (event) => { state[name] = event.target.value; sync(); } },
      words.map((word) => el("option", { value: word }, word === "all" ? `all ${label}` : word)));
    tools.append(select);
  };
  choice("kinds", "f", ["all", ...new Set(OPS.f)]);
  choice("outcomes", "outcome", ["all", ...OUTCOMES]);
  card.append(tools);
  const pair = el("div", { class: "pair" }), a = el("div"), b = el("div");
  pair.append(a, b);
  card.append(pair);
  let chosen = [], sorted = [], low = 10, high = 1e6, quantiles = [];

  function sync() {
    chosen = [];
    for (let i = 0; i < OPS.op.length; i++) {
      if (OPS.took[i] < 0 || (state.f !== "all" && OPS.f[i] !== state.f)) continue;
      if (state.outcome !== "all" && OUTCOMES[OPS.outcome[i]] !== state.outcome) continue;
      chosen.push(i);
    }
    sorted = Float64Array.from(chosen, (i) => Math.max(1, OPS.took[i])).sort();
    low = 10 ** Math.floor(Math.log10(sorted[0] || 10));
    high = 10 ** Math.ceil(Math.log10((sorted[sorted.length - 1] || 1e6) + 1));
    quantiles = running(chosen.filter((i) => state.outcome !== "all" || OPS.outcome[i] === 0));
    for (const view of [points, curve]) view.ask();
  }

  function running(list) {
    const bins = 80, result = [[], [], []];
    const parts = Array.from({ length: bins }, () => []);
    for (const i of list) parts[Math.min(bins - 1, Math.floor((OPS.invoke[i] / D.end) * bins))].push(OPS.took[i]);
    parts.forEach((part, n) => {
      if (part.length < 5) { result.forEach((line) => line.push(null)); return; }
      part.sort((p, q) => p - q);
      [0.5, 0.9, 0.99].forEach((q, k) => result[k].push([((n + 0.5) / bins) * D.end, part[Math.ceil(q * part.length) - 1]]));
    });
    return result;
  }

  const left = 54;
  const y = (us, tall) => 34 + (1 - Math.log(Math.max(us, 1) / low) / Math.log(high / low)) * (tall - 34 - 26);

  function axisY(g, width, tall) {
    g.textAlign = "right";
    for (let us = low; us <= high; us *= 10) {
      const py = Math.round(y(us, tall)) + 0.5;
      g.strokeStyle = colours.line;
      g.beginPath(); g.moveTo(left, py); g.lineTo(width - 8, py); g.stroke();
      g.fillStyle = colours.quiet;
      g.fillText(took(us), left - 6, py);
    }
  }

  const points = picture(a, 320, (g, width, tall) => {
    const x = (t) => left + (t / D.end) * (width - left - 8);
    axisY(g, width, tall);
    timeAxis(g, x, 0, D.end, left, width - 8, tall - 24, tall - 58);
    drawFaults(g, x, 0, D.end, left, width - 8, 34, tall - 26, width > 600);
    const seen = new Set();
    const alpha = chosen.length > 20000 ? 0.5 : 0.75;
    for (const i of chosen) {
      const px = Math.round(x(OPS.invoke[i]) * 2) / 2, py = Math.round(y(OPS.took[i], tall) * 2) / 2;
      const place = (px * 4 + OPS.outcome[i]) * 10000 + py;
      if (seen.has(place)) continue;
      seen.add(place);
      g.globalAlpha = alpha;
      g.fillStyle = g.strokeStyle = colours[OUTCOMES[OPS.outcome[i]]];
      if (OPS.outcome[i] === 0) g.fillRect(px - 1, py - 1, 2, 2);
      else if (OPS.outcome[i] === 1) { g.beginPath(); g.moveTo(px - 3, py - 3); g.lineTo(px + 3, py + 3); g.moveTo(px + 3, py - 3); g.lineTo(px - 3, py + 3); g.stroke(); }
      else { g.beginPath(); g.arc(px, py, 3, 0, 7); g.stroke(); }
    }
    g.globalAlpha = 1;
    [[], [6, 3], [2, 3]].forEach((dash, k) => {
      g.strokeStyle = colours.ink; g.lineWidth = 1.6; g.setLineDash(dash); g.beginPath();
      let isDown = false;
      for (const place of quantiles[k] || []) {
        if (!place) { isDown = false; continue; }
        if (isDown) g.lineTo(x(place[0]), y(place[1], tall)); else g.moveTo(x(place[0]), y(place[1], tall));
        isDown = true;
      }
      g.stroke();
    });
    g.setLineDash([]); g.lineWidth = 1;
    for (const i of WITNESS) {
      if (OPS.took[i] < 0) continue;
      g.strokeStyle = colours.bad; g.lineWidth = 2;
      g.beginPath(); g.arc(x(OPS.invoke[i]), y(OPS.took[i], tall), 6, 0, 7); g.stroke(); g.lineWidth = 1;
    }
  }, "Latency of each operation over time");
  const near = (event) => {
    const box = points.canvas.getBoundingClientRect();
    const px = event.clientX - box.left, py = event.clientY - box.top;
    let best = -1, far = 64;
    for (const i of chosen) {
      const dx = left + (OPS.invoke[i] / D.end) * (points.width - left - 8) - px;
      if (Math.abs(dx) > 8) continue;
      const dy = y(OPS.took[i], points.tall) - py, d = dx * dx + dy * dy;
      if (d < far) { far = d; best = i; }
    }
    return best;
  };
  points.canvas.id = "latency-canvas";
  points.canvas.addEventListener("mousemove", (event) => { const i = near(event); showTip(event, i < 0 ? "" : describe(i)); });
  points.canvas.addEventListener("mouseleave", () => showTip(null, ""));
  points.canvas.addEventListener("click", (event) => {
    const i = near(event);
    if (i < 0) return;
    const margin = Math.max(OPS.took[i] * 2, 2000);
    page.timeline.state.pinned = i;
    page.timeline.zoom.set(OPS.invoke[i] - margin, OPS.invoke[i] + OPS.took[i] + margin);
    document.getElementById("timeline").scrollIntoView();
  });

  const curve = picture(b, 320, (g, width, tall) => {
    axisY(g, width, tall);
    const x = (share) => left + share * (width - left - 12);
    g.textAlign = "center"; g.fillStyle = colours.quiet;
    for (const share of [0, 0.25, 0.5, 0.75, 1]) g.fillText(`${share * 100} %`, x(share) - (share === 1 ? 10 : 0), tall - 13);
    g.textAlign = "left";
    g.fillText("share of operations not slower", left, 14);
    if (!sorted.length) return;
    g.strokeStyle = colours.ok; g.lineWidth = 2; g.beginPath();
    const dots = Math.min(sorted.length, 600);
    for (let n = 0; n <= dots; n++) {
      const k = Math.min(sorted.length - 1, Math.floor((n / dots) * sorted.length));
      const px = x(n / dots), py = y(sorted[k], tall);
      if (n) g.lineTo(px, py); else g.moveTo(px, py);
    }
    g.stroke(); g.lineWidth = 1;
    g.textAlign = "right"; g.fillStyle = colours.ink;
    let above = Infinity;
    for (const [q, name] of [[0.5, "p50"], [0.9, "p90"], [0.99, "p99"]]) {
      const us = sorted[Math.ceil(q * sorted.length) - 1];
      // Each word stands above the one before.
      above = Math.min(y(us, tall) - 9, above - 12);
      g.beginPath(); g.arc(x(q), y(us, tall), 3, 0, 7); g.fill();
      g.fillText(`${name} ${took(us)}`, x(q) - 6, above);
    }
  }, "Cumulative distribution of the latencies");
  legend(card, [
    ["ok", (g, w, h) => { g.fillStyle = colours.ok; g.fillRect(w / 2 - 2, h / 2 - 2, 4, 4); }],
    ["fail", (g, w, h) => { g.strokeStyle = colours.fail; g.beginPath(); g.moveTo(w / 2 - 4, h / 2 - 4); g.lineTo(w / 2 + 4, h / 2 + 4); g.moveTo(w / 2 + 4, h / 2 - 4); g.lineTo(w / 2 - 4, h / 2 + 4); g.stroke(); }],
    ["info", (g, w, h) => { g.strokeStyle = colours.info; g.beginPath(); g.arc(w / 2, h / 2, 3.5, 0, 7); g.stroke(); }],
    ...[["p50", []], ["p90", [6, 3]], ["p99", [2, 3]]].map(([name, dash]) => [name, (g, w, h) => { g.strokeStyle = colours.ink; g.lineWidth = 1.6; g.setLineDash(dash); g.beginPath(); g.moveTo(0, h / 2); g.lineTo(w, h / 2); g.stroke(); }]),
  ]);
  sync();
  page.latency = { count: () => chosen.length };
}

// Lines are told apart by dashes and their names too, not by colour alone.
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3], [1, 2], [10, 4]];

function rates() {
  const card = section("rates", "Rates", "Operations and messages per second, over time.");
  const pair = el("div", { class: "pair" }), a = el("div"), b = el("div");
  pair.style.gridTemplateColumns = "repeat(auto-fit, minmax(min(100%, 22rem), 1fr))";
  pair.append(a, b);
  card.append(pair);
  const bins = D.rates[0].length, width = D.end / bins;
  const perSecond = (parts) => parts.map((n) => (n * 1e6) / width);
  lines(a, "operations a second, by outcome", D.rates.map(perSecond), OUTCOMES, (k) => colours[OUTCOMES[k]]);
  const M = D.messages, total = (k) => M.rates[k].reduce((sum, n) => sum + n, 0);
  const busy = M.types.map((_, k) => k).filter((k) => total(k) > 0).sort((p, q) => total(q) - total(p)).slice(0, 6);
  const palette = ["ok", "fail", "info", "leader", "bad", "quiet"];
  lines(b, "messages between replicas per second, by type", busy.map((k) => perSecond(M.rates[k])), busy.map((k) => plain(M.types[k])),
    (k) => colours[palette[k % palette.length]]);

  function lines(parent, title, all, names, colour) {
    parent.append(el("p", { class: "quiet small" }, title));
    const most = Math.max(1, ...all.flat());
    const left = 54;
    const view = picture(parent, 220, (g, wide, tall) => {
      const x = (t) => left + (t / D.end) * (wide - left - 8), y = (n) => 12 + (1 - n / most) * (tall - 38);
      g.textAlign = "right";
      for (const mark of steps(0, most, tall, 45).marks) {
        const py = Math.round(y(mark)) + 0.5;
        g.strokeStyle = colours.line; g.beginPath(); g.moveTo(left, py); g.lineTo(wide - 8, py); g.stroke();
        g.fillStyle = colours.quiet; g.fillText(grouped(mark), left - 6, py);
      }
      timeAxis(g, x, 0, D.end, left, wide - 8, tall - 24, 4);
      drawFaults(g, x, 0, D.end, left, wide - 8, 12, tall - 26, false);
      all.forEach((series, k) => {
        g.strokeStyle = colour(k); g.lineWidth = 1.8; g.setLineDash(DASHES[k % DASHES.length]); g.beginPath();
        series.forEach((n, bin) => (bin ? g.lineTo(x((bin + 0.5) * width), y(n)) : g.moveTo(x(width / 2), y(n))));
        g.stroke();
      });
      g.setLineDash([]); g.lineWidth = 1;
    }, title);
    view.canvas.addEventListener("mousemove", (event) => {
      const box = view.canvas.getBoundingClientRect();
      const bin = Math.floor(((event.clientX - box.left - left) / (view.width - left - 8)) * bins);
      showTip(event, bin < 0 || bin >= bins ? "" : [`${at(Math.round(bin * width))} and ${took(width)} on`,
        ...names.map((name, k) => `${name}: ${grouped(all[k][bin])}/s`)].join("\n"));
    });
    view.canvas.addEventListener("mouseleave", () => showTip(null, ""));
    legend(parent, names.map((name, k) => [name, (g, w, h) => {
      g.strokeStyle = colour(k); g.lineWidth = 2; g.setLineDash(DASHES[k % DASHES.length]);
      g.beginPath(); g.moveTo(0, h / 2); g.lineTo(w, h / 2); g.stroke();
    }]));
  }
}
