// What all pages share: theme, colours for canvases, numbers for people, calls that change something, messages.

const THEMES = ["auto", "light", "dark"];
const root = document.documentElement;
const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

/** A colour of the style sheet as it is in the theme of the moment; a canvas cannot read light-dark(). */
export const colour = (name) => {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
};

/** The same colour, see-through. */
export const faded = (name, share) => `color-mix(in srgb, ${colour(name)} ${Math.round(share * 100)}%, transparent)`;

const listeners = [];
/** Call `listener` when colours change. */
export const onTheme = (listener) => listeners.push(listener);
const tellTheme = () => listeners.forEach((each) => each());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tellTheme);

const button = document.getElementById("theme");
const showTheme = () => { button.querySelector("[data-word]").textContent = root.dataset.theme || "auto"; };
button.addEventListener("click", () => {
  const next = THEMES[(THEMES.indexOf(root.dataset.theme || "auto") + 1) % THEMES.length];
  if (next === "auto") {
    delete root.dataset.theme;
    localStorage.removeItem("theme");
  } else {
    root.dataset.theme = next;
    localStorage.setItem("theme", next);
  }
  showTheme();
  tellTheme();
});
showTheme();

const digits = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : String(+value.toPrecision(3)));

/** A number with its unit. */
export const quantity = (value, unit) => {
  if (value == null) return "–";
  if (unit === "ratio") {
    const percent = 100 * value;
    return percent > 99 && percent < 100 ? `${Math.min(99.9, Math.floor(percent * 10) / 10)}%` : `${+percent.toFixed(percent < 10 ? 1 : 0)}%`;
  }
  if (unit === "s") return value > 0 && value < 0.9995 ? `${digits(value * 1000)} ms` : `${digits(value)} s`;
  return unit.startsWith("/") ? `${digits(value)}${unit}` : `${digits(value)} ${unit}`.trim();
};

/** The same for an axis, where room is short. */
export const tick = (value, unit) => {
  if (unit === "ratio") return `${+(100 * value).toFixed(1)}%`;
  if (unit === "s") return value > 0 && value < 0.9995 ? `${Math.round(value * 1000)} ms` : `${+value.toPrecision(3)} s`;
  return value >= 1000 ? `${+(value / 1000).toPrecision(3)}k` : String(+value.toPrecision(3));
};

/** An element with text and attributes. */
export const make = (tag, attributes = {}, ...children) => {
  const found = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) found.setAttribute(name, value);
  found.append(...children);
  return found;
};

const toasts = document.getElementById("toasts");
/** A short message that goes by itself; errors stay longer. */
export const say = (text, { bad = false, link = null } = {}) => {
  const toast = make("div", { class: bad ? "toast bad" : "toast" }, text);
  if (link) toast.append(" ", make("a", { href: link.href }, link.text));
  toasts.append(toast);
  setTimeout(() => toast.remove(), bad || link ? 12000 : 5000);
};

/** Ask the dashboard to change something. Says what went wrong, and gives null then. */
export const act = async (where) => {
  try {
    const reply = await fetch(where, { method: "POST", headers: { "X-Faultline": "dashboard" } });
    const body = await reply.json();
    if (reply.ok) return body;
    say(`${body.error.code}: ${body.error.message}${body.error.next ? ` Next: ${body.error.next}` : ""}`, { bad: true });
  } catch (error) {
    say(`The dashboard does not answer (${error.message}). Is \`faultline dashboard\` still running?`, { bad: true });
  }
  return null;
};

/** Times of the server in the reader's zone and language. */
export const localTimes = (within = document) => {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  for (const each of within.querySelectorAll("time[datetime]")) each.textContent = format.format(new Date(each.dateTime));
};

/** Let exactly two rows be ticked, and open them overlaid. */
export const chooseTwo = (form) => {
  const button = form.querySelector("button.compare");
  const chosen = [];
  const show = () => {
    for (const box of form.querySelectorAll("input[type=checkbox]")) box.checked = chosen.includes(box.value);
    button.disabled = chosen.length !== 2;
  };
  form.addEventListener("change", (event) => {
    const { value, checked } = event.target;
    if (checked) chosen.push(value);
    else chosen.splice(chosen.indexOf(value), 1);
    if (chosen.length > 2) chosen.shift();
    show();
  });
  button.addEventListener("click", () => {
    location.href = `/compare?a=${encodeURIComponent(chosen[0])}&b=${encodeURIComponent(chosen[1])}`;
  });
  return show;
};
