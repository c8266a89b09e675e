// The few things a page cannot do with HTML alone.

class CopyButton extends HTMLElement {
  // <p-copy for="id"><button>Copy</button></p-copy>: copies that element's text.
  connectedCallback() {
    const button = this.querySelector("button");
    const label = button.querySelector("[data-label]");
    button.addEventListener("click", async () => {
      const source = document.getElementById(this.getAttribute("for"));
      await navigator.clipboard.writeText(source.textContent.trim());
      const before = label.textContent;
      label.textContent = "Copied";
      setTimeout(() => { label.textContent = before; }, 1600);
    });
  }
}

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
    // The one that was chosen before a part of the page was changed.
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

customElements.define("p-copy", CopyButton);
customElements.define("p-snippets", Snippets);

// As it settles a change, htmx writes attributes over those that a tab had got.
document.addEventListener("htmx:after:settle", () => {
  for (const snippets of document.querySelectorAll("p-snippets")) snippets.restore();
});

// On a phone the places stand in a strip: it begins where one is.
document.querySelector("nav[aria-label=Workspace] [aria-current=page]")
  ?.scrollIntoView({ block: "nearest", inline: "center" });
