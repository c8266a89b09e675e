// What the pages of a workspace do besides app.js.

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

// --- what asks again and again: [data-poll], by hx-trigger="every …" -----------------------------

const IDLE_MS = 15 * 60 * 1000;
const LONGEST_WAIT_MS = 60 * 1000;
let lastTouched = Date.now();
for (const name of ["pointerdown", "keydown", "scroll"]) {
  addEventListener(name, () => { lastTouched = Date.now(); }, { capture: true, passive: true });
}

class Live extends HTMLElement {
  // <p-live>: the switch of a list that asks for itself, and where it says that it has paused.
  connectedCallback() {
    this.addEventListener("click", (event) => { if (event.target.closest("button")) this.resume(); });
  }

  get button() { return this.querySelector("button"); }

  pause() {
    this.button.hidden = false;
    this.querySelector("[data-note]").textContent = "Paused";
  }

  resume() {
    this.button.hidden = true;
    this.querySelector("[data-note]").textContent = "";
    this.querySelector("a").focus();
    this.closest("[data-poll]").dispatchEvent(new Event("every"));
  }
}

document.addEventListener("htmx:before:request", (event) => {
  // It rests while nobody looks, and longer after each failure; unattended it pauses.
  const poll = event.target;
  if (!poll.matches?.("[data-poll]")) return;
  const live = poll.querySelector("p-live");
  if (live && Date.now() - lastTouched > IDLE_MS) live.pause();
  if (document.hidden || live?.button.hidden === false || Date.now() < poll.restsUntil) {
    event.preventDefault();
  }
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

customElements.define("p-files", Files);
customElements.define("p-live", Live);
