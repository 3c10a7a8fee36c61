// Draws the lessons' Mermaid diagrams; the library is loaded only where there is one.
import { colour, onTheme } from "./common.js";

const load = () => new Promise((done, failed) => {
  const script = document.createElement("script");
  script.src = "/static/mermaid.tiny.js";
  script.onload = done;
  script.onerror = () => failed(new Error("mermaid.tiny.js did not load"));
  document.head.append(script);
});

const draw = async (places) => {
  mermaid.initialize({
    startOnLoad: false, securityLevel: "strict", theme: "base", fontFamily: "system-ui, sans-serif",
    flowchart: { useMaxWidth: true, htmlLabels: true, curve: "basis" },
    themeVariables: {
      fontSize: "14px", background: colour("--card"), primaryColor: colour("--soft"), primaryTextColor: colour("--ink"),
      primaryBorderColor: colour("--quiet"), lineColor: colour("--quiet"), secondaryColor: colour("--accent-soft"), tertiaryColor: colour("--paper"),
      tertiaryTextColor: colour("--ink"), secondaryTextColor: colour("--ink"), edgeLabelBackground: colour("--card"), clusterBkg: colour("--paper"), clusterBorder: colour("--rule"),
      noteBkgColor: colour("--doubt-soft"), noteTextColor: colour("--ink"), actorBkg: colour("--soft"), actorTextColor: colour("--ink"), signalColor: colour("--ink"), signalTextColor: colour("--ink"),
    },
  });
  for (const [index, [place, source]] of [...places].entries()) {
    try {
      // From left to right needs room; in a narrow column the same picture goes from top to bottom.
      const room = place.closest(".prose").clientWidth;
      const { svg } = await mermaid.render(`diagram-${index}`, room < 700 ? source.replace(/^(\s*(?:flowchart|graph)) (?:LR|RL)/, "$1 TB") : source);
      place.innerHTML = svg;
    } catch (error) {
      place.textContent = source; // what the author wrote still reads as text
      console.warn("a diagram of the lesson cannot be drawn", error);
    }
    place.dataset.done = "";
  }
};

/** Draw every diagram below `within`, and again in other colours when the theme changes. */
export const diagrams = async (within) => {
  const places = new Map([...within.querySelectorAll("pre.mermaid")].map((each) => [each, each.textContent]));
  if (!places.size) return;
  await load();
  await draw(places);
  onTheme(() => draw(places));
};
