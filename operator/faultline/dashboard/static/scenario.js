// A scenario's page: the lab as it is now, by server-sent events; the buttons; the lesson beside it.
import { act, chooseTwo, localTimes, make, quantity, say } from "./common.js";
import { Chart } from "./chart.js";
import { diagrams } from "./diagrams.js";

const { lab, slug, panels, plan } = JSON.parse(document.getElementById("data").textContent);
const KEPT = 300;
const ALWAYS = new Set(["load", "errors", "latency"]);
const byId = (id) => document.getElementById(id);
const narrow = matchMedia("(max-width: 72rem)");

// --- what has come so far

let seconds = [];
let lines = {}; // panel -> label -> values, as long as `seconds`
let state = null;
let ahead = 0; // the server's clock less this one's, at most the age of a tick
let paused = false;
let shown = Number(localStorage.getItem("window") || 120);

const keep = (message, fresh) => {
  if (fresh) {
    seconds = [];
    lines = {};
  }
  const before = seconds.length;
  seconds.push(...message.seconds);
  for (const [panel, found] of Object.entries(message.panels)) {
    lines[panel] ??= {};
    for (const label of Object.keys(found)) lines[panel][label] ??= Array(before).fill(null);
  }
  for (const [panel, known] of Object.entries(lines)) {
    for (const [label, values] of Object.entries(known)) {
      values.push(...(message.panels[panel]?.[label] ?? Array(message.seconds.length).fill(null)));
    }
  }
  const extra = seconds.length - KEPT;
  if (extra <= 0) return;
  seconds.splice(0, extra);
  for (const known of Object.values(lines)) for (const values of Object.values(known)) values.splice(0, extra);
};

/** The newest value of a line, if it is not older than a few seconds. */
const last = (panel, label) => {
  const values = lines[panel]?.[label] || [];
  for (let i = values.length - 1; i >= Math.max(0, values.length - 3); i -= 1) if (values[i] != null) return values[i];
  return null;
};

// --- charts

const charts = panels.map((panel) => new Chart({ ...panel, clock: true }));
byId("charts").append(...charts.map((chart) => chart.element));

const drawCharts = () => {
  if (paused) return;
  const to = seconds.at(-1) ?? Math.floor(Date.now() / 1000);
  const from = to - shown;
  const start = Math.max(0, seconds.findIndex((at) => at >= from));
  const window_ = seconds.slice(start);
  const silent = [];
  for (const chart of charts) {
    const found = {};
    for (const [label, values] of Object.entries(lines[chart.name] || {})) {
      const part = values.slice(start);
      if (part.some((value) => value != null)) found[label] = part;
    }
    const empty = Object.keys(found).length === 0;
    if (empty) silent.push(chart.title.toLowerCase());
    chart.element.hidden = empty && !ALWAYS.has(chart.name);
    chart.place.querySelector(".none")?.remove();
    if (empty) chart.place.append(make("p", { class: "none" }, state?.exists ? "no load at the moment" : "there is no lab"));
    chart.set(window_, found, state?.spans || [], from, to);
  }
  byId("quiet-panels").textContent = silent.length ? `Nothing to show at the moment: ${silent.join(", ")}.` : "";
};

// --- numbers and the picture

const vital = (id, text, kind = "") => {
  byId(id).textContent = text;
  byId(id).parentElement.className = kind;
};

const drawVitals = () => {
  const [ok, failed, unknown] = ["ok", "failed", "unknown"].map((label) => last("load", label));
  const total = ok == null ? null : ok + (failed || 0) + (unknown || 0);
  const share = total > 0.05 ? ok / total : null;
  const p95 = last("latency", "p95");
  const faults = Object.keys(lines.fault_active || {}).filter((label) => last("fault_active", label) > 0);
  vital("v-rate", quantity(total, "/s"));
  vital("v-ok", quantity(share, "ratio"), share != null && share < 0.95 ? "bad" : "");
  vital("v-p95", quantity(p95, "s"), p95 > plan.deadline * 0.6 ? "bad" : "");
  vital("v-faults", state?.exists ? String(faults.length) : "–", faults.length ? "fault" : "");
  return new Set(faults.map((label) => label.split(" ")[0]));
};

const set = (elements, kinds, kind) => elements.forEach((each) => {
  each.classList.remove(...kinds);
  if (kind) each.classList.add(kind);
});

const drawEdges = (faulted) => {
  for (const row of byId("edges").children) {
    const edge = row.dataset.row;
    const up = last("edge_up", edge);
    const kind = faulted.has(edge) ? "fault" : up == null ? "" : up ? "up" : "down";
    set(document.querySelectorAll(`[data-edge="${edge}"]`), ["fault", "up", "down"], kind);
    row.cells[1].textContent = { fault: "a fault is on", up: "healthy", down: "down" }[kind] ?? "not there";
    row.cells[2].textContent = quantity(last("edges", edge), "/s");
  }
};

const drawNodes = () => {
  const rows = [];
  for (const node of document.querySelectorAll("[data-node]:not(.client)")) {
    const name = node.dataset.node;
    const found = state.nodes[name];
    const kind = !found ? "none" : found.total && found.ready === found.total ? "up" : found.ready ? "part" : "down";
    set([node], ["none", "up", "part", "down"], kind);
    const words = !found ? "" : found.problem || (found.total > 1 || found.ready < found.total ? `${found.ready} of ${found.total} ready` : "");
    node.querySelector(".more").textContent = words;
    node.classList.toggle("said", words !== "");
  }
  for (const [name, found] of Object.entries(state.nodes)) {
    rows.push(make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, `${found.ready} of ${found.total}${found.problem ? ` (${found.problem})` : ""}`), make("td", {}, String(found.restarts))));
  }
  byId("pods").replaceChildren(...rows);
};

// --- the run

const PHASES = { Queued: "Waiting for its turn", Reset: "Resetting data and pods", Settle: "Waiting until the lab is healthy", Baseline: "Baseline", Fault: "Faults", Recovery: "Recovery", Drain: "Last answers", FinalReads: "Reading everything back", Grading: "Grading" };
let told = "";

const drawRun = () => {
  const run = state?.run;
  const now = Date.now() / 1000 + ahead;
  const at = run?.mark ? now - run.mark : null;
  const within = at != null && at >= 0 && at <= plan.length;
  byId("needle").hidden = !within;
  if (within) byId("needle").style.setProperty("--at", at);
  for (const each of [...plan.phases, ...plan.faults]) {
    const kind = "edge" in each ? "fault" : "phase";
    document.querySelector(`[data-${kind}="${each.name}"]`).classList.toggle("now", within && at >= each.start && at < each.end);
  }
  let text = state?.last ? "" : `A run takes about ${Math.round(plan.end + 20)} s.`;
  if (run) {
    text = PHASES[run.phase] ?? run.phase;
    if (run.phase === "Queued" && run.ahead) text += `, ${run.ahead} ahead`;
    const left = at == null ? null : Math.max(0, Math.round(plan.end + 8 - at));
    if (left) text += ` · about ${left} s to the score`;
    if (run.held_out) text += ` · held out until the end: ${run.held_out.faults} (SHA-256 ${run.held_out.sha256.slice(0, 12)})`;
  }
  if (text === told) return;
  told = text;
  const place = byId("run-said");
  place.setAttribute("aria-live", run ? "off" : "polite");
  if (!run && state?.last) {
    const mark = { pass: "✓", fail: "✕", inconclusive: "?", stopped: "■" }[state.last.verdict] ?? "–";
    place.replaceChildren("Last run: ", make("span", { class: `verdict ${state.last.verdict}` }, `${mark} ${state.last.verdict} ${state.last.score ?? ""}`), " ", make("a", { href: `/runs/${state.last.name}` }, "see the report"));
  } else place.textContent = text;
};

const showRuns = chooseTwo(byId("runs-form"));
const drawRuns = () => {
  const rows = state.runs.filter((run) => run.phase === "Done").map((run) => make("tr", {},
    make("td", {}, make("input", { type: "checkbox", value: run.name, "aria-label": `Compare ${run.name}` })),
    make("th", { scope: "row" }, make("a", { href: `/runs/${run.name}` }, make("time", { datetime: new Date(run.at * 1000).toISOString() }, run.name))),
    make("td", {}, run.variant || "–"),
    make("td", {}, make("span", { class: `verdict ${run.verdict || "none"}` }, run.verdict || "no verdict", ...(run.score == null ? [] : [" ", make("b", {}, String(run.score))]))),
    make("td", {}, quantity(run.success, "ratio")),
    make("td", {}, quantity(run.p95, "s"))));
  byId("runs").replaceChildren(...rows);
  byId("no-runs").hidden = rows.length > 0;
  byId("runs-form").querySelector("table").hidden = rows.length === 0;
  byId("runs-form").querySelector(".after").hidden = rows.length < 2;
  localTimes(byId("runs"));
  showRuns();
};

// --- the lab's state and the buttons

const verbs = Object.fromEntries([...document.querySelectorAll("[data-verb]")].map((each) => [each.dataset.verb, each]));
const next = byId("next"); // none when no scenario is left
const PRIMARY = { apply: "apply", chaos: "chaos", fix: "chaos", done: next ? "" : "grade" };
const SAY = {
  fix: "Edit your code, then make fix, then chaos again.",
  done: next ? "Passed. See the report, or take the next scenario." : "Passed, as were all others.",
  wait: "",
};

const drawState = () => {
  const pill = byId("phase");
  const phase = state.exists ? state.phase : "No lab";
  pill.textContent = phase;
  pill.className = `pill ${phase.toLowerCase().replace(" ", "-")}`;
  byId("code").textContent = state.exists && state.code ? `code: ${state.code === "learner" ? "yours" : state.code}` : "";
  const trouble = state.exists && !["Ready", "Suspended"].includes(state.phase) ? state.message : "";
  byId("message").textContent = trouble || SAY[state.next] || "";
  verbs.chaos.disabled = !state.exists || !state.ready || Boolean(state.run);
  verbs.stop.disabled = !state.run;
  verbs.grade.disabled = !state.exists || !(state.ready || state.last);
  for (const [verb, button] of Object.entries(verbs)) button.classList.toggle("primary", PRIMARY[state.next] === verb);
  if (next) next.hidden = state.next !== "done";
  verbs.stop.classList.toggle("danger", Boolean(state.run));
};

let under = null; // the run that was under way when the page last looked
const tellEnd = () => {
  if (under && state.run?.name !== under && state.last?.name === under) {
    say(`${under}: ${state.last.verdict}${state.last.score == null ? "" : `, ${state.last.score} of 100`}.`, { link: { href: `/runs/${under}`, text: "See the report" } });
  }
  under = state.run?.name ?? null;
};

for (const [verb, button] of Object.entries(verbs)) {
  button.addEventListener("click", async () => {
    button.setAttribute("aria-busy", "true");
    const done = await act(verb === "apply" ? `/api/scenarios/${slug}/apply` : `/api/labs/${lab}/${verb}`);
    button.removeAttribute("aria-busy");
    if (!done) return;
    if (verb === "grade" && done.done) location.href = `/runs/${done.run}`;
    else say(`${done.said}.`);
  });
}

// --- events

let source = null;
const link = (kind, text) => {
  byId("link").dataset.state = kind;
  byId("link").querySelector("b").textContent = text;
};

const drawAll = () => {
  drawEdges(drawVitals());
  drawCharts();
};

const open = () => {
  source?.close();
  source = new EventSource(`/api/live/${lab}`);
  source.addEventListener("open", () => link("live", "live"));
  source.addEventListener("error", () => link(source.readyState === EventSource.CLOSED ? "off" : "wait", "reconnecting"));
  source.addEventListener("history", (event) => {
    keep(JSON.parse(event.data), true);
    drawAll();
  });
  source.addEventListener("tick", (event) => {
    const message = JSON.parse(event.data);
    keep(message, false);
    ahead = Math.max(-3600, Math.min(3600, Math.abs(message.seconds.at(-1) + 1 - Date.now() / 1000) > 5 ? message.seconds.at(-1) + 1 - Date.now() / 1000 : 0));
    drawAll();
  });
  source.addEventListener("lab", (event) => {
    state = JSON.parse(event.data);
    drawState();
    drawNodes();
    drawRuns();
    drawRun();
    drawAll();
    tellEnd();
  });
  source.addEventListener("problem", (event) => {
    const { message } = JSON.parse(event.data);
    byId("problem").hidden = !message;
    byId("problem").textContent = message ? `No live numbers: ${message}` : "";
  });
};

// A browser holds six connections to one address: pages that are not seen give theirs back.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) source?.close();
  else open();
});
open();
setInterval(() => { if (state) drawRun(); }, 1000);

// --- views, window, pause

const press = (buttons, chosen) => buttons.forEach((each) => each.setAttribute("aria-pressed", String(each === chosen)));

const views = [...document.querySelectorAll("[data-view][type=button]")];
const show = (view) => {
  const possible = narrow.matches && view === "both" ? "lesson" : view;
  byId("split").dataset.view = possible;
  press(views, views.find((each) => each.dataset.view === possible));
  charts.forEach((chart) => (chart.plot ? chart.fit() : chart.draw()));
};
views.forEach((each) => each.addEventListener("click", () => {
  localStorage.setItem("view", each.dataset.view);
  show(each.dataset.view);
}));
narrow.addEventListener("change", () => show(localStorage.getItem("view") || "both"));
show(localStorage.getItem("view") || "both");

const windows = [...document.querySelectorAll("[data-window]")];
const pick = (length) => {
  shown = length;
  press(windows, windows.find((each) => Number(each.dataset.window) === length));
  drawCharts();
};
windows.forEach((each) => each.addEventListener("click", () => {
  localStorage.setItem("window", each.dataset.window);
  pick(Number(each.dataset.window));
}));
pick(shown);

byId("pause").addEventListener("click", () => {
  paused = !paused;
  byId("pause").setAttribute("aria-pressed", String(paused));
  byId("pause").textContent = paused ? "Go on" : "Pause";
  drawCharts();
});

// --- the lesson and the hints

diagrams(byId("lesson"));
for (const block of document.querySelectorAll(".prose .code")) {
  const copy = make("button", { type: "button" }, "Copy");
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.querySelector("code").textContent);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  });
  block.append(copy);
}

const dialog = byId("hints");
const reveal = byId("reveal");
byId("open-hints").addEventListener("click", () => dialog.showModal());
dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
reveal.addEventListener("click", async () => {
  reveal.setAttribute("aria-busy", "true");
  const done = await act(`/api/scenarios/${slug}/hint`);
  reveal.removeAttribute("aria-busy");
  if (!done) return;
  for (const hint of done.hints) {
    const title = make("h3", { tabindex: "-1" }, make("span", { class: "quiet" }, `${hint.rung} of ${done.rungs}`), ` ${hint.title}`);
    const section = make("section", { class: "rung prose" }, title);
    section.insertAdjacentHTML("beforeend", hint.html);
    byId("rungs").append(section);
    title.focus();
    section.scrollIntoView({ block: "nearest" });
    reveal.hidden = hint.rung >= done.rungs;
    reveal.textContent = `Reveal hint ${hint.rung + 1} of ${done.rungs}`;
  }
});
