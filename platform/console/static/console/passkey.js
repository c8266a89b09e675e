// <p-passkey options="…" makes>: its form is sent with the passkey that the browser made or showed.
const WHY = {
  InvalidStateError: "This device has a passkey for this account already.",
  NotAllowedError: "No passkey came. Try again.",
  SecurityError: "This address cannot have passkeys: they need a host name and https.",
};

class Passkey extends HTMLElement {
  connectedCallback() {
    const form = this.querySelector("form");
    if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) return;
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      if (form.credential.value) return;
      event.preventDefault();
      try {
        form.credential.value = JSON.stringify((await this.ask()).toJSON());
        form.requestSubmit();
      } catch (error) {
        this.querySelector("[role=alert]").textContent = WHY[error.name] ?? error.message;
      }
    });
  }

  ask() {
    const options = JSON.parse(this.getAttribute("options"));
    const { parseRequestOptionsFromJSON: shown, parseCreationOptionsFromJSON: made } = PublicKeyCredential;
    return this.hasAttribute("makes")
      ? navigator.credentials.create({ publicKey: made(options) })
      : navigator.credentials.get({ publicKey: shown(options) });
  }
}

customElements.define("p-passkey", Passkey);
