// Two runs in the same charts.
import { Chart } from "./chart.js";

const data = JSON.parse(document.getElementById("data").textContent);
const place = document.getElementById("charts");
const labels = data.labels[0] === data.labels[1] ? data.labels.map((each, i) => `${each} (${"AB"[i]})`) : data.labels;
document.getElementById("none").hidden = data.charts.length > 0;
for (const each of data.charts) {
  const chart = new Chart({ ...each, tints: ["--line-1", "--line-0"] });
  chart.quietLegend = true;
  place.append(chart.element);
  const lines = Object.fromEntries(labels.map((label, i) => [label, each.lines[i]]));
  chart.set(data.seconds, lines, data.spans, data.seconds[0], data.seconds.at(-1));
}
