// The switch of a list that asks for itself; workspace.js lets it rest.

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

customElements.define("p-live", Live);
