// What the pages of a workspace do besides app.js.

// --- what asks again and again: [data-poll] ---

const IDLE_MS = 15 * 60 * 1000;
const LONGEST_WAIT_MS = 60 * 1000;
let lastTouched = Date.now();
for (const name of ["pointerdown", "keydown", "scroll"]) {
  addEventListener(name, () => { lastTouched = Date.now(); }, { capture: true, passive: true });
}

document.addEventListener("htmx:before:request", (event) => {
  // It rests while nobody looks, while a dialog of it is open, and longer after each failure.
  const poll = event.target;
  if (!poll.matches?.("[data-poll]")) return;
  const live = poll.querySelector("p-live");
  const isUnattended = Date.now() - lastTouched > IDLE_MS;
  if (isUnattended) live?.pause();
  const isPaused = isUnattended || live?.button.hidden === false;
  const isAsked = poll.querySelector("dialog[open]");
  if (document.hidden || isAsked || isPaused || Date.now() < poll.restsUntil) event.preventDefault();
});

for (const name of ["htmx:response:error", "htmx:error"]) {
  document.addEventListener(name, ({ target: poll }) => {
    if (!poll.matches?.("[data-poll]")) return;
    poll.failures = (poll.failures ?? 0) + 1;
    poll.restsUntil = Date.now() + Math.min(LONGEST_WAIT_MS, 2500 * 2 ** poll.failures);
  });
}

document.addEventListener("htmx:after:swap", ({ target: poll }) => {
  poll.failures = 0;
});

// --- what is paid for is asked for once, by a double click too ---

addEventListener("click", (event) => {
  if (event.detail > 1 && event.target.closest?.("[data-once]")) {
    event.preventDefault();
    event.stopPropagation();
  }
}, { capture: true });
addEventListener("keydown", (event) => {
  if (!event.repeat || event.key !== "Enter" || event.target.type === "textarea") return;
  if (event.target.form?.querySelector("[data-once]")) event.preventDefault();
}, { capture: true });

// --- a picture that is shown is not loaded again because its address was signed anew ---

const pathOf = (address) => new URL(address, location).pathname;
window.htmx?.registerExtension("shown-pictures", {
  htmx_before_morph_attr: (element, { attrName, newValue }) =>
    attrName !== "src" || element.tagName !== "IMG" || pathOf(newValue) !== pathOf(element.src),
});

// --- the palette and the keys ---

const SEQUENCE_MS = 1500;
const palette = document.getElementById("palette");
const shortcuts = document.getElementById("shortcuts");
const singleKeys = document.getElementById("single-keys");
let before = { key: "", at: 0 };

function open(dialog) {
  if (!dialog || dialog.open) return;
  document.querySelector("dialog[open]")?.close();
  dialog.showModal();
  dialog.querySelector("form")?.dispatchEvent(new Event("open"));
}

function step(items, by) {
  // The next one of them from where the focus is; the first or last from anywhere else.
  const here = items.indexOf(document.activeElement);
  const next = here < 0 ? (by > 0 ? 0 : items.length - 1) : here + by;
  items[next]?.focus();
}

const rows = () => [...document.querySelectorAll("main tbody th a, main #results li > a")];
const SINGLE = {
  "/": () => {
    const field = document.querySelector("main [type=search]");
    if (field) field.focus();
    else open(palette);
  },
  "?": () => open(shortcuts),
  j: () => step(rows(), 1),
  k: () => step(rows(), -1),
};

function act(key) {
  // What a key does after the one before it: "g u" and the like are links of the list of keys.
  const isSoon = Date.now() - before.at < SEQUENCE_MS;
  const links = [...(shortcuts?.querySelectorAll("[data-keys]") ?? [])];
  const leads = (keys) => links.find((link) => link.dataset.keys === keys);
  const link = (isSoon && leads(`${before.key} ${key}`)) || leads(key);
  before = { key, at: Date.now() };
  if (link) link.click();
  else SINGLE[key]?.();
  return Boolean(link || SINGLE[key]);
}

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey) {
    if (key.toLowerCase() === "k" && palette) {
      event.preventDefault();
      open(palette);
    } else if (key === "Enter" && !event.repeat) {
      document.querySelector('[aria-keyshortcuts="Control+Enter"]')?.click();
    }
    return;
  }
  const isTyping = target.matches?.("input, select, textarea, [contenteditable]");
  const isBusy = event.altKey || isTyping || document.querySelector("dialog[open]");
  if (isBusy || !singleKeys?.checked) return;
  if (act(key)) event.preventDefault();
});

palette?.addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  step([...palette.querySelectorAll("input[type=search], li a")], by);
});

for (const link of document.querySelectorAll("[data-opens]")) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(document.getElementById(link.dataset.opens));
  });
}

if (singleKeys) {
  singleKeys.checked = !document.cookie.includes("single-keys=off");
  singleKeys.addEventListener("change", () => {
    const chosen = singleKeys.checked ? "on" : "off";
    const path = `/${location.pathname.split("/")[1]}/`; // of operators, or of workspaces
    document.cookie = `single-keys=${chosen}; path=${path}; max-age=31536000; samesite=lax`;
  });
}
