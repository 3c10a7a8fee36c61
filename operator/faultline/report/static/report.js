"use strict";
// Draws the charts of the page with uPlot from the JSON that the page carries.
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const named = { ok: "--ok", failed: "--failed", unknown: "--unknown", offered: "--offered" };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let plots = [];

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colour = (label, place) => css(named[label] || `--line-${place % 8}`);
  const alpha = (hex, share) => hex + Math.round(share * 255).toString(16).padStart(2, "0");

  const short = (value, unit) => {
    if (value == null) return "–";
    if (unit === "s") return value < 0.9995 ? `${Math.round(value * 1000)} ms` : `${+value.toPrecision(3)} s`;
    return value >= 100 ? value.toFixed(0) : String(+value.toPrecision(3));
  };

  // Stacked lines are drawn from the total down, each area painting over the one before.
  const stack = (chart, panel) => {
    const order = ["ok", "failed", "unknown"].filter((label) => chart.labels.includes(label));
    const line = (label) => panel.lines[chart.labels.indexOf(label)];
    let below = panel.seconds.map(() => 0);
    const areas = order.map((label) => {
      const own = line(label);
      below = below.map((value, i) => value + (own[i] || 0));
      return { label, values: below, own, area: true };
    });
    const offered = chart.labels.includes("offered")
      ? [{ label: "offered", values: line("offered"), own: line("offered"), dash: [5, 4] }] : [];
    return [...areas.reverse(), ...offered];
  };

  const plain = (chart, panel) => chart.labels.map((label, i) => ({ label, values: panel.lines[i], own: panel.lines[i] }));

  const shade = (panel) => ({
    hooks: {
      drawClear: [(u) => {
        const { ctx, bbox } = u;
        ctx.save();
        ctx.beginPath();
        ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
        ctx.clip();
        for (const span of panel.spans) {
          const left = u.valToPos(span.start, "x", true), right = u.valToPos(span.end, "x", true);
          if (span.kind === "fault") {
            ctx.fillStyle = alpha(css("--fault"), 0.16);
            ctx.fillRect(left, bbox.top, right - left, bbox.height);
            ctx.fillStyle = css("--fault");
            ctx.fillRect(left, bbox.top, right - left, 3 * devicePixelRatio);
          } else {
            ctx.fillStyle = css("--rule");
            ctx.fillRect(Math.round(left), bbox.top, devicePixelRatio, bbox.height);
          }
        }
        ctx.restore();
      }],
      draw: [(u) => {
        const { ctx, bbox } = u;
        ctx.save();
        ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
        ctx.textBaseline = "bottom";
        ctx.textAlign = "left";
        for (const span of panel.spans) {
          const left = u.valToPos(span.start, "x", true), right = u.valToPos(span.end, "x", true);
          const fault = span.kind === "fault";
          const text = fault ? span.detail.split(" ")[0] : span.name;
          ctx.fillStyle = css(fault ? "--fault" : "--quiet");
          if (fault) {  // the edges once more, over the areas
            for (const edge of [left, right]) ctx.fillRect(Math.round(edge), bbox.top, devicePixelRatio, bbox.height);
          }
          if (ctx.measureText(text).width + 4 * devicePixelRatio > right - left) continue;
          ctx.fillText(text, left + 3 * devicePixelRatio, bbox.top - (fault ? 1 : 15) * devicePixelRatio);
        }
        ctx.restore();
      }],
    },
  });

  const draw = (element, chart, panel) => {
    const lines = chart.stacked ? stack(chart, panel) : plain(chart, panel);
    const axis = { stroke: css("--quiet"), grid: { stroke: css("--rule"), width: 0.5 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const options = {
      width: element.clientWidth, height: 220, padding: [30, 8, 0, 0],
      cursor: { sync: { key: "faultline", setSeries: false }, drag: { x: false, y: false }, points: { show: !chart.stacked } },
      scales: { x: { time: false }, y: { range: [0, chart.top * 1.08] } },
      axes: [
        { ...axis, size: 34, values: (u, ticks) => ticks.map((at) => `${at} s`) },
        { ...axis, size: 58, values: (u, ticks) => ticks.map((value) => short(value, chart.unit)) },
      ],
      series: [
        { label: "at", value: (u, at) => (at == null ? "–" : `${at.toFixed(0)} s`) },
        ...lines.map((line, place) => {
          const tint = colour(line.label, place);
          return {
            label: line.label, stroke: tint, dash: line.dash, width: line.area ? 1 : 1.8,
            fill: line.area ? tint : undefined, spanGaps: false, points: { show: false },
            value: (u, value, series, index) => short(index == null ? null : line.own[index], chart.unit),
          };
        }),
      ],
      plugins: [shade(panel)],
    };
    plots.push([new uPlot(options, [panel.seconds, ...lines.map((line) => line.values)], element), element]);
  };

  const drawAll = () => {
    for (const [plot] of plots) plot.destroy();
    plots = [];
    for (const element of document.querySelectorAll(".plot")) {
      const chart = charts.find((each) => each.name === element.dataset.name);
      draw(element, chart, chart.panels[Number(element.dataset.chart)]);
    }
  };

  const size = (width) => plots.forEach(([plot, element]) => plot.setSize({ width: width || element.clientWidth, height: 220 }));
  addEventListener("beforeprint", () => size(640)); // what a sheet of A4 or Letter holds
  addEventListener("afterprint", () => size());

  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(size, 100);
  });
  dark.addEventListener("change", drawAll);
  drawAll();
})();
