// Pages that are not left by mistake.

class Reveal extends HTMLElement {
  // <p-reveal>: what is shown this once. To leave it asks, until it was copied or [data-stored].
  connectedCallback() {
    const ask = (event) => event.preventDefault();
    const rest = () => removeEventListener("beforeunload", ask);
    addEventListener("beforeunload", ask);
    for (const name of ["copied", "copy"]) this.addEventListener(name, rest);
    this.querySelector("[data-stored]").addEventListener("click", rest);
  }
}

customElements.define("p-reveal", Reveal);

// --- what was typed into a long form is not lost by a link or another form beside it ---

let unsaved = null;
addEventListener("input", ({ target }) => { unsaved = target.closest("form[data-kept]") ?? unsaved; });
addEventListener("submit", ({ target }) => { if (target === unsaved) unsaved = null; });
addEventListener("beforeunload", (event) => { if (unsaved?.isConnected) event.preventDefault(); });
