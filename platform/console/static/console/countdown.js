// How long a support view still lasts: support_banner.html.

customElements.define("p-countdown", class extends HTMLElement {
  // <p-countdown data-seconds="90">: what is left, then the page anew.
  connectedCallback() {
    const ends = Date.now() + this.dataset.seconds * 1000;
    setInterval(() => {
      const left = Math.max(0, ends - Date.now());
      this.textContent = `${new Date(left).toISOString().slice(14, 19)} left`;
      if (!left) location.reload();
    }, 1000);
  }
});
