// The catalogue: filters that the address keeps, and how the labs are, asked for every few seconds while it is seen.
import { make } from "./common.js";

const form = document.querySelector(".filters");
const cards = [...document.querySelectorAll(".card")];
const fields = ["words", "concept", "state"];

const matches = (card, { words, concept, state }) => {
  const text = card.textContent.toLowerCase();
  if (!words.toLowerCase().split(/\s+/).every((word) => text.includes(word))) return false;
  if (concept && !card.dataset.concepts.split("|").includes(concept)) return false;
  if (state === "passed") return card.classList.contains("passed");
  if (state === "open") return !card.classList.contains("passed");
  return state !== "lab" || card.querySelector(".lab-state").childElementCount > 0;
};

const filter = () => {
  const wanted = Object.fromEntries(fields.map((name) => [name, form.elements[name].value]));
  let shown = 0;
  for (const card of cards) {
    card.hidden = !matches(card, wanted);
    shown += !card.hidden;
  }
  for (const tier of document.querySelectorAll(".tier")) tier.hidden = !tier.querySelector(".card:not([hidden])");
  const any = fields.some((name) => wanted[name]);
  document.getElementById("found").textContent = any ? `${shown} of ${cards.length}` : "";
  const query = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value)).toString();
  history.replaceState(null, "", query ? `?${query}` : location.pathname);
};

const given = new URLSearchParams(location.search);
for (const name of fields) if (given.has(name)) form.elements[name].value = given.get(name);
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
filter();

const refresh = async () => {
  if (document.hidden) return;
  const reply = await fetch("/api/labs").catch(() => null);
  if (!reply?.ok) return;
  const labs = await reply.json();
  for (const place of document.querySelectorAll(".lab-state")) {
    const pills = (labs[place.dataset.lab] || []).map((lab) => make("span", { class: `pill ${lab.phase.toLowerCase()}` }, lab.run || lab.phase));
    place.replaceChildren(...pills);
  }
};
setInterval(refresh, 4000);
