// Messages by sender and receiver: counts, and losses by cause.

function messages() {
  const card = section("messages", "Messages", "From the replica of the row to the replica of the column: messages sent and lost.");
  const [columns, ...rows] = D.counts.length ? D.counts : [[]];
  const column = (name) => columns.indexOf(name);
  const causes = columns.filter((name) => name.startsWith("dropped_") && name !== "dropped_before_start");
  const cells = new Map(), types = new Map();
  let total = 0;
  const early = column("dropped_before_start");
  for (const row of rows) {
    const src = row[column("src")], dst = row[column("dst")];
    if (!D.replicas.includes(src) || !D.replicas.includes(dst)) continue;
    const sent = Number(row[column("sent")]) - (early < 0 ? 0 : Number(row[early]));
    if (!sent) continue;
    const add = (map, key) => {
      const cell = map.get(key) || { sent: 0, lost: 0, causes: {}, types: {} };
      cell.sent += sent;
      cell.types[row[column("type")]] = (cell.types[row[column("type")]] || 0) + sent;
      for (const cause of causes) {
        const n = Number(row[column(cause)]);
        if (n) { cell.lost += n; cell.causes[cause.slice(8)] = (cell.causes[cause.slice(8)] || 0) + n; }
      }
      map.set(key, cell);
    };
    add(cells, `${src} ${dst}`);
    add(types, row[column("type")]);
    total += sent;
  }
  const most = Math.max(1, ...[...cells.values()].map((cell) => cell.sent));
  const words = (cell) => [`${grouped(cell.sent)} sent, ${grouped(cell.lost)} lost`,
    ...Object.entries(cell.causes).map(([cause, n]) => `lost by ${cause.replaceAll("_", " ")}: ${grouped(n)}`),
    ...Object.entries(cell.types).sort((a, b) => b[1] - a[1]).slice(0, 8).map(([type, n]) => `${plain(type)}: ${grouped(n)}`)].join("\n");
  const matrix = el("table", { id: "matrix", class: D.replicas.length > 7 && "wide" }, el("tr", {}, el("th", {}, "from \\ to"), D.replicas.map((id) => el("th", {}, id))),
    D.replicas.map((src) => el("tr", {}, el("th", {}, src), D.replicas.map((dst) => {
      const cell = cells.get(`${src} ${dst}`);
      if (!cell) return el("td", { class: "cell quiet" }, src === dst ? "·" : "0");
      const share = Math.round((cell.sent / most) * 32);
      return el("td", { class: "cell", style: `background: color-mix(in srgb, var(--ok) ${share}%, transparent)`,
        onmousemove: (event) => showTip(event, `${src} to ${dst}: ${words(cell)}`), onmouseleave: () => showTip(null, "") },
      grouped(cell.sent), el("br"), el("span", { class: "quiet" }, cell.lost ? `−${grouped(cell.lost)}` : "−0"));
    }))));
  const occurred = causes.filter((name) => [...types.values()].some((cell) => cell.causes[name.slice(8)]));
  const list = el("table", {}, el("tr", {}, ["type", "sent", "lost", ...occurred.map((name) => name.slice(8).replaceAll("_", " "))].map((name) => el("th", {}, name))),
    [...types].sort((a, b) => b[1].sent - a[1].sent).slice(0, 30).map(([type, cell]) => el("tr", {}, el("td", {}, plain(type)),
      el("td", {}, grouped(cell.sent)), el("td", {}, grouped(cell.lost)),
      occurred.map((name) => el("td", {}, cell.causes[name.slice(8)] ? grouped(cell.causes[name.slice(8)]) : "")))));
  const operations = D.operations_total;
  card.append(el("div", { class: "pair tables" }, el("div", { class: "scroll" }, matrix), el("div", { class: "scroll" },
    el("p", {}, el("strong", {}, operations ? (total / operations).toFixed(2) : "–"), " messages between replicas per operation ",
      el("span", { class: "quiet" }, `(${grouped(total)} for ${grouped(operations)})`)), list)));
}
