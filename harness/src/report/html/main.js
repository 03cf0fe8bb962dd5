// The verdict, then every part of the page.

const page = {};

function verdict() {
  const v = D.verdict || {}, m = D.manifest || {}, header = document.getElementById("verdict");
  const code = v.exit_code;
  const worst = (v.answers || []).find((answer) => answer.standing === "invalid") || (v.answers || []).find((answer) => answer.standing !== "valid");
  const name = plain(v.scenario || m.scenario || "a run");
  const good = !v.answers?.length ? "never judged" : code === 130 ? "interrupted, nothing wrong so far" : "all answered well";
  const headline = `${name}: ${worst ? plain(worst.kind) : good}`;
  document.title = headline;
  const answers = el("dl", { class: "answers" });
  for (const answer of v.answers || []) {
    const sign = { valid: "✓", invalid: "✗", unknown: "?" }[answer.standing] || "?";
    answers.append(el("dt", {}, answer.question), el("dd", { class: `mark ${answer.standing}` }, `${sign} ${answer.standing}`),
      el("dd", {}, plain(answer.sentence)));
  }
  const card = el("section", { class: "card" }, el("div", { class: "headline" },
    el("h1", {}, headline), el("span", { class: "quiet" }, code == null ? "" : `exit code ${code}`)), answers);
  const safety = (v.answers || []).find((answer) => answer.question === "safety" && answer.standing === "invalid");
  const told = v.explanation;
  if (safety || told?.short) {
    const box = el("div", { class: `explanation ${worst ? worst.standing : "valid"}`, id: "explanation" });
    if (told?.short) box.append(el("p", {}, el("strong", {}, plain(told.short))));
    const sections = told?.sections || [];
    const told_part = (part) => [el("h3", {}, plain(part.title)), el("p", { class: "lines" }, part.lines.map(plain).join("\n"))];
    const first = sections.filter((part) => part.title === "What went wrong");
    box.append(...first.flatMap(told_part));
    const others = sections.filter((part) => !first.includes(part));
    if (others.length) box.append(el("details", { open: !first.length }, el("summary", { class: "small quiet" }, others.map((part) => part.title.toLowerCase()).join(", ")), others.flatMap(told_part)));
    if (safety?.details?.length && !sections.length) box.append(el("p", { class: "quiet small" }, "The operations of the counterexample, as numbered in the timeline:"),
      el("ol", { class: "small" }, safety.details.map((line) => el("li", {}, plain(line)))));
    card.append(box);
  }
  if (v.reproduce) {
    const copy = el("button", { type: "button", onclick: () => navigator.clipboard?.writeText(v.reproduce).then(() => { copy.textContent = "copied"; }, () => {}) }, "copy");
    card.append(el("div", { class: "command" }, el("code", { id: "reproduce" }, plain(v.reproduce)), copy));
  }
  const s = v.statistics, facts = el("dl", { class: "facts" });
  const fact = (term, text) => text != null && facts.append(el("div", {}, el("dt", {}, term), el("dd", {}, text)));
  fact("seed", D.seed === "null" ? null : D.seed);
  fact("begun", v.start ? String(v.start).replace("T", " ").replace(/\.\d+Z$|Z$/, " UTC") : null);
  fact("duration", `${(D.end / 1e6).toFixed(1)} s`);
  fact("replicas, clients", `${D.replicas.length}, ${D.clients.length}`);
  if (s) {
    fact("operations", `${grouped(s.operations)}: ${grouped(s.ok)} ok, ${grouped(s.fail)} fail, ${grouped(s.info)} info`);
    if (s.latency) fact("latency of the ok", `p50 ${took(s.latency.p50_us)}, p99 ${took(s.latency.p99_us)}, max ${took(s.latency.max_us)}`);
    fact("messages", `${grouped(s.messages.sent)} sent, ${grouped(s.messages.dropped)} lost`);
    fact("faults", `${s.faults_applied} of ${s.faults_planned} injected`);
  }
  if (m.replica?.path) fact("program", plain([m.replica.path, ...(m.replica.arguments || [])].join(" ")));
  card.append(facts);
  if (v.warnings?.length) card.append(el("details", {}, el("summary", { class: "quiet small" }, v.warnings.length === 1 ? "1 warning" : `${v.warnings.length} warnings`),
    v.warnings.map((line) => el("p", { class: "small" }, plain(line)))));
  header.append(card);
}

verdict();
timeline();
latency();
rates();
messages();
spacetime();
replicas();
host();
for (const view of views) view.paint();
