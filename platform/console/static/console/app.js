// The few things a page cannot do with HTML alone.

// htmx starts from a timer of its own: a key or a choice could come before it listens.
window.htmx?.process(document.body);

class CopyButton extends HTMLElement {
  // <p-copy for="id"><button>Copy</button></p-copy>: copies that element's text.
  connectedCallback() {
    const button = this.querySelector("button");
    const label = button.querySelector("[data-label]");
    button.addEventListener("click", async () => {
      const source = document.getElementById(this.getAttribute("for"));
      await navigator.clipboard.writeText(source.textContent.trim());
      button.dispatchEvent(new Event("copied", { bubbles: true }));
      const before = label.textContent;
      label.textContent = "Copied";
      setTimeout(() => { label.textContent = before; }, 1600);
    });
  }
}

class Toasts extends HTMLElement {
  // <p-toasts role="status">: what was done, or was not. Notes leave by themselves, failures stay.
  static SHOWN_MS = 8000;

  constructor() {
    super();
    this.home = this.parentElement;
    this.addEventListener("click", (event) => {
      const toast = event.target.closest("[data-dismiss], [data-retry]")?.closest(".toast");
      if (toast?.contains(document.activeElement)) this.left?.focus();
      toast?.remove();
      if (event.target.closest("[data-retry]")) toast.retry();
    });
    this.addEventListener("focusin", ({ relatedTarget: from }) => {
      if (from && !this.contains(from)) this.left = from; // it gets the focus back
    });
    for (const toast of this.querySelectorAll(":scope > .toast")) {
      this.append(toast); // the server wrote it before anybody listened: now it is announced
      this.let(toast);
    }
  }

  let(toast) {
    // Go, once nobody points at it or is in it.
    setTimeout(() => {
      if (toast.matches(":hover, :focus-within")) this.let(toast);
      else toast.remove();
    }, Toasts.SHOWN_MS);
  }

  fail(words, retry) {
    this.failure?.remove();
    const toast = this.querySelector("template").content.cloneNode(true).querySelector(".toast");
    toast.querySelector("[data-words]").textContent = words;
    toast.querySelector("[data-retry]").hidden = !retry;
    toast.retry = retry;
    this.failure = toast;
    this.rise();
    this.append(toast);
  }

  rise() {
    // An open dialog takes every click: into it, until it is closed.
    const dialog = document.querySelector("dialog:modal");
    if (!dialog || dialog.contains(this)) return;
    dialog.append(this);
    dialog.addEventListener("close", () => this.home.append(this), { once: true });
  }
}

customElements.define("p-copy", CopyButton);
customElements.define("p-toasts", Toasts);

// A password, as long as its person wants to read it.
document.addEventListener("click", ({ target }) => {
  const button = target.closest("button[data-shows]");
  const field = button && document.getElementById(button.dataset.shows);
  if (!field) return;
  field.type = field.type === "password" ? "text" : "password";
  button.firstElementChild.textContent = field.type === "password" ? "Show" : "Hide";
});

// A link that was opened on purpose: its form is sent at once.
document.querySelector("form[data-sends]")?.requestSubmit();

// On a phone the places stand in a strip: it begins where one is.
document.querySelector("header nav [aria-current=page]")
  ?.scrollIntoView({ block: "nearest", inline: "center" });
// --- requests that failed: nothing is replaced, and it is said ---

function again(ctx) {
  const { sourceElement, sourceEvent } = ctx;
  if (!sourceElement.isConnected) return location.reload();
  return sourceElement.dispatchEvent(
    new Event(sourceEvent.type, { bubbles: true, cancelable: true }),
  );
}

function whyRefused({ status, headers }) {
  if (status === 429) {
    const seconds = headers.get("Retry-After");
    return `Too many requests: try again in ${seconds ? `${seconds} s` : "a minute"}.`;
  }
  if (status === 413) return "Those files are too large: choose fewer or smaller ones.";
  if (status < 500) return "That no longer exists. Load the page again.";
  const id = headers.get("x-request-id");
  return `That did not work; this page has not changed.${id ? ` If it stays so, tell us ${id}.` : ""}`;
}

const isBackground = (element) => element.matches?.("[data-poll]"); // it asks again by itself

document.addEventListener("htmx:response:error", (event) => {
  const { ctx } = event.detail;
  const { status } = ctx.response;
  const wanted = /^#([\w-]+)/.exec(ctx.select ?? "")?.[1];
  const fits = !wanted || ctx.text.includes(`id="${wanted}"`);
  if (status === 401 || (status < 500 && fits)) return;
  ctx.swap = "none";
  if (isBackground(event.target)) return;
  document.querySelector("p-toasts").fail(whyRefused(ctx.response), () => again(ctx));
});

document.addEventListener("htmx:error", (event) => {
  const { ctx } = event.detail;
  if (!ctx || ctx.response || isBackground(event.target)) return;
  document.querySelector("p-toasts").fail(
    "No answer came; this page has not changed.", () => again(ctx),
  );
});

// Buttons with `command` open and close dialogs by themselves; older browsers are helped.
if (!("command" in HTMLButtonElement.prototype)) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[command]");
    const dialog = button && document.getElementById(button.getAttribute("commandfor"));
    if (button?.getAttribute("command") === "show-modal") dialog.showModal();
    else dialog?.close();
  });
}
