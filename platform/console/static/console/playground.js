// What the playground does besides workspace.js.

const UNITS = [[2 ** 20, "MB"], [2 ** 10, "KB"]];
const sizeOf = (bytes) => {
  const [unit, name] = UNITS.find(([least]) => bytes >= least) ?? UNITS.at(-1);
  return `${(bytes / unit).toFixed(1)} ${name}`;
};

class Files extends HTMLElement {
  // <p-files>: the chosen files with a picture each. Choosing adds to them; each can be taken out.
  connectedCallback() {
    this.input = this.querySelector("[type=file]");
    this.chosen = this.querySelector("[data-chosen]");
    this.files = [...this.input.files];
    this.input.addEventListener("change", () => this.hold([...this.files, ...this.input.files]));
    if (this.files.length) this.hold(this.files); // a browser kept them over a reload
  }

  hold(files) {
    const held = new DataTransfer();
    for (const file of files) held.items.add(file);
    this.files = files;
    this.input.files = held.files;
    const complaint = this.complaint();
    this.input.setCustomValidity(complaint);
    this.querySelector("[data-complaint]").textContent = complaint;
    for (const image of this.chosen.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    this.chosen.replaceChildren(...files.map((file) => this.row(file)));
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  complaint() {
    const { most, mostBytes } = this.dataset;
    if (this.files.length > most) return `At most ${most} images: take some out.`;
    const bytes = this.files.reduce((sum, file) => sum + file.size, 0);
    if (bytes <= mostBytes) return "";
    return `These are ${sizeOf(bytes)}, of at most ${sizeOf(mostBytes)}: take some out.`;
  }

  row(file) {
    const row = this.querySelector("template").content.cloneNode(true).firstElementChild;
    row.querySelector("img").src = URL.createObjectURL(file);
    row.querySelector("span").textContent = file.name;
    row.querySelector("[data-size]").textContent = sizeOf(file.size);
    row.querySelector("[name=reference]").value = file.name;
    const button = row.querySelector("button");
    button.setAttribute("aria-label", `Remove ${file.name}`);
    button.addEventListener("click", () => {
      this.hold(this.files.filter((one) => one !== file));
      this.input.focus();
    });
    return row;
  }
}

customElements.define("p-files", Files);

// --- the playground's button waits for the price of what was changed last ---

const draft = document.getElementById("draft");
let changes = 0; // so many were made, and of so many the price has come
let priced = 0;
let isPressed = false;
draft?.addEventListener("input", () => { changes += 1; });
document.addEventListener("htmx:before:request", ({ target, detail }) => {
  if (target === draft) detail.ctx.changes = changes;
});
document.addEventListener("htmx:finally:request", ({ target, detail }) => {
  if (target !== draft || detail.ctx.changes !== changes) return;
  priced = changes;
  const button = draft.querySelector("[data-once]");
  button.removeAttribute("aria-busy");
  if (isPressed) button.click();
  isPressed = false;
});
addEventListener("click", (event) => {
  const button = draft && event.target.closest?.("[data-once]");
  if (!button || priced === changes) return;
  event.preventDefault();
  event.stopPropagation();
  button.setAttribute("aria-busy", "true");
  isPressed = true;
}, { capture: true });

class Snippets extends HTMLElement {
  // <p-snippets> with [role=tab][aria-controls] buttons: one panel shown, arrow keys move.
  static chosen = "";

  connectedCallback() {
    this.tabs = [...this.querySelectorAll("[role=tab]")];
    for (const tab of this.tabs) {
      tab.addEventListener("click", () => { Snippets.chosen = tab.id; this.show(tab); });
      tab.addEventListener("keydown", (event) => this.move(event, tab));
    }
    this.restore();
  }

  restore() {
    // The one that was chosen before.
    this.show(this.tabs.find((tab) => tab.id === Snippets.chosen) ?? this.tabs[0]);
  }

  show(chosen) {
    for (const tab of this.tabs) {
      const isChosen = tab === chosen;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !isChosen;
    }
  }

  move(event, tab) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = this.tabs.at((this.tabs.indexOf(tab) + step) % this.tabs.length);
    next.click();
    next.focus();
  }
}

customElements.define("p-snippets", Snippets);

// As it settles a change, htmx writes attributes over those that a tab had got.
document.addEventListener("htmx:after:settle", () => {
  for (const snippets of document.querySelectorAll("p-snippets")) snippets.restore();
});

// --- full size and the brush are loaded when they are wanted; a new run is looked at first ---

document.addEventListener("click", async (event) => {
  const wanted = event.target.closest?.("[data-loads]");
  if (!wanted || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  (await import(document.getElementById(wanted.dataset.loads).dataset.module)).open(wanted);
});
document.addEventListener("htmx:after:swap", ({ detail }) => {
  if (detail.ctx?.sourceElement?.id === "generate") document.querySelector(".results")?.scrollTo(0, 0);
});
