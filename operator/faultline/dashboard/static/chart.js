// Charts on uPlot: lines or stacked areas over time, phases as thin lines, faults shaded, one cursor for all.
import { colour, faded, make, onTheme, quantity, tick } from "./common.js";

const NAMED = { ok: "--ok", failed: "--failed", unknown: "--unknown", offered: "--offered", p50: "--line-2", p95: "--line-0", p99: "--line-3" };
const STACK = ["ok", "failed", "unknown"];
const OVER = "offered";
const HEIGHT = 168;
const UNITS = { "/s": "per second", cores: "cores", MiB: "MiB" }; // what the title does not say
const all = new Set();
onTheme(() => all.forEach((each) => each.rebuild()));

let waiting = 0;
addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => all.forEach((each) => each.fit()), 120);
});

const shade = (chart) => ({
  hooks: {
    drawClear: [(u) => {
      const { ctx, bbox } = u;
      const now = u.scales.x.max;
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      for (const span of chart.spans) {
        const left = u.valToPos(span.start, "x", true), right = u.valToPos(span.end ?? now, "x", true);
        if (right < bbox.left || left > bbox.left + bbox.width) continue;
        if (span.kind === "fault") {
          ctx.fillStyle = faded("--fault", 0.15);
          ctx.fillRect(left, bbox.top, right - left, bbox.height);
          ctx.fillStyle = colour("--fault");
          ctx.fillRect(left, bbox.top, right - left, 3 * devicePixelRatio);
        } else {
          ctx.fillStyle = colour("--rule");
          ctx.fillRect(Math.round(left), bbox.top, devicePixelRatio, bbox.height);
        }
      }
      ctx.restore();
    }],
    setCursor: [(u) => chart.showValues(u.cursor.idx)],
  },
});

/** One chart: a figure with title, legend with the values at the cursor or the last ones, and the plot. */
export class Chart {
  constructor({ name, title, unit, about = "", stacked = false, clock = false, tints = null }) {
    Object.assign(this, { name, title, unit, stacked, clock, tints });
    this.spans = [];
    this.labels = [];
    this.data = [[]];
    this.plot = null;
    this.visible = true;
    this.legend = make("ul", { class: "legend" });
    this.place = make("div", { class: "plot", role: "img", "aria-label": `Chart of ${title}` });
    const caption = make("figcaption", {}, title, ...(UNITS[unit] ? [make("span", { class: "quiet" }, UNITS[unit])] : []));
    this.element = make("figure", { class: "chart", "data-chart": name }, caption, this.legend, this.place);
    if (about) {
      const why = make("p", { class: "why", hidden: "" }, about);
      const more = make("button", { type: "button", class: "about", "aria-expanded": "false", "aria-label": `About ${title}` }, "?");
      more.addEventListener("click", () => {
        why.hidden = !why.hidden;
        more.setAttribute("aria-expanded", String(!why.hidden));
      });
      caption.append(more);
      caption.after(why);
    }
    this.watcher = new IntersectionObserver(([entry]) => {
      this.visible = entry.isIntersecting;
      if (this.visible) this.draw();
    }, { rootMargin: "200px" });
    this.watcher.observe(this.element);
    all.add(this);
  }

  /** New data: `seconds`, and the values of each label. `from` and `to` bound the time shown. */
  set(seconds, lines, spans, from, to) {
    const labels = Object.keys(lines);
    const changed = labels.join("\n") !== this.labels.join("\n");
    Object.assign(this, { labels, lines, seconds, spans, from, to });
    if (changed) this.rebuild();
    else this.draw();
  }

  layers() {
    const plain = (label) => ({ label, values: this.lines[label] });
    if (!this.stacked) return this.labels.map(plain);
    let below = this.seconds.map(() => 0);
    const areas = STACK.filter((label) => this.lines[label]).map((label) => {
      below = below.map((value, i) => value + (this.lines[label][i] || 0));
      const known = this.lines[label];
      const values = below.map((value, i) => (this.lines.ok?.[i] == null && known[i] == null ? null : value));
      return { label, values, area: true };
    });
    return [...areas.reverse(), ...(this.lines[OVER] ? [{ ...plain(OVER), dash: [5, 4] }] : [])];
  }

  tint(label) {
    if (this.tints) return this.tints[this.labels.indexOf(label)];
    return NAMED[label] || `--line-${this.labels.indexOf(label) % 8}`;
  }

  rebuild() {
    this.plot?.destroy();
    this.plot = null;
    this.legend.replaceChildren(...(this.stacked ? [OVER, ...STACK].filter((each) => this.labels.includes(each)) : this.labels).map((label) => {
      const mark = make("i");
      mark.style.background = colour(this.tint(label));
      return make("li", { "data-label": label }, mark, label, make("b"));
    }));
    this.draw();
  }

  options(layers) {
    const font = "12px system-ui, sans-serif";
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--rule"), width: 0.6 }, ticks: { show: false }, font };
    const stamp = (at) => new Date(at * 1000).toLocaleTimeString(undefined, { hour12: false });
    return {
      width: Math.max(this.place.clientWidth, 200), height: HEIGHT, padding: [8, 16, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: "faultline", setSeries: false }, drag: { x: false, y: false }, points: { show: false }, y: false },
      scales: { x: { time: false, range: () => [this.from, this.to] }, y: { range: (u, low, high) => [0, this.top(high)] } },
      axes: [
        { ...axis, size: 28, space: this.clock ? 90 : 50, incrs: this.clock ? [10, 15, 30, 60, 120, 300] : [5, 10, 15, 20, 30, 60], values: (u, marks) => marks.map((at) => (this.clock ? stamp(at) : `${at} s`)) },
        { ...axis, size: 56, splits: this.unit === "ratio" ? () => [0, 0.5, 1] : undefined, space: 36, values: (u, marks) => marks.map((value) => tick(value, this.unit)) },
      ],
      series: [{}, ...layers.map((layer) => ({
        label: layer.label, stroke: colour(this.tint(layer.label)), dash: layer.dash, width: layer.area ? 0 : layer.dash ? 1.2 : 1.8,
        fill: layer.area ? colour(this.tint(layer.label)) : undefined, spanGaps: false, points: { show: false },
      }))],
      plugins: [shade(this)],
    };
  }

  top(high) {
    if (this.unit === "ratio") return 1.04;
    return (high || 1) * 1.12;
  }

  draw() {
    if (!this.lines || !this.visible || !this.place.clientWidth) return;
    const layers = this.layers();
    const data = [this.seconds, ...layers.map((layer) => layer.values)];
    if (this.plot) this.plot.setData(data);
    else this.plot = new uPlot(this.options(layers), data, this.place);
    if (this.plot.cursor.idx == null) this.showValues(null);
  }

  /** The values at the cursor, or the newest ones. */
  showValues(index) {
    for (const item of this.legend.children) {
      const values = this.lines[item.dataset.label] || [];
      let at = index ?? values.length - 1;
      if (index == null) while (at > 0 && values.length - at < 4 && values[at] == null) at -= 1;
      item.querySelector("b").textContent = this.quietLegend && index == null ? "" : quantity(values[at], ["s", "ratio"].includes(this.unit) ? this.unit : "");
    }
  }

  fit() {
    if (this.plot && this.place.clientWidth) this.plot.setSize({ width: this.place.clientWidth, height: HEIGHT });
  }
}
