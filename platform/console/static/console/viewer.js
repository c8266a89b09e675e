// Pictures at full size: links marked [data-loads=viewer], in the order of the page.

const LEAST = 1 / 16;
const MOST = 8;

class Viewer {
  // Of a dialog: one picture at a time, larger or smaller, and the next one.
  constructor(dialog) {
    this.dialog = dialog;
    this.stage = this.one("stage");
    this.picture = this.one("picture");
    dialog.addEventListener("click", ({ target }) => {
      const { step, zoom } = target.closest("button")?.dataset ?? {};
      if (step) this.show(this.at + Number(step));
      if (zoom) this.zoom(Number(zoom));
    });
    dialog.addEventListener("keydown", (event) => {
      const button = dialog.querySelector(`[aria-keyshortcuts="${CSS.escape(event.key)}"]`);
      if (!button || (event.key.startsWith("Arrow") && this.isWide)) return; // it scrolls then
      event.preventDefault();
      button.click();
    });
    this.picture.addEventListener("load", () => this.draw());
    addEventListener("resize", () => { if (dialog.open) this.draw(); });
  }

  one(name) { return this.dialog.querySelector(`[data-${name}]`); }

  open(link) {
    this.links = [...document.querySelectorAll("[data-loads=viewer]")];
    this.dialog.showModal();
    this.show(this.links.indexOf(link));
  }

  get fit() {
    const { naturalWidth: width, naturalHeight: height } = this.picture;
    return Math.min(1, (this.stage.clientWidth - 24) / width, (this.stage.clientHeight - 24) / height);
  }

  get isWide() { return this.stage.scrollWidth > this.stage.clientWidth; }

  show(at) {
    this.at = (at + this.links.length) % this.links.length;
    const link = this.links[this.at];
    const thumb = link.querySelector("img");
    const address = new URL(link.href, location).href;
    this.scale = 0;
    Object.assign(this.picture, { src: address, alt: thumb.alt });
    document.getElementById("viewer-address").textContent = address;
    this.one("file").href = link.closest("figure").querySelector("a[download]").href;
    this.one("place").textContent = `${this.at + 1} of ${this.links.length}`;
    for (const one of this.dialog.querySelectorAll("[data-step]")) one.disabled = this.links.length < 2;
    if (this.picture.complete) this.draw();
  }

  zoom(by) {
    // Scale 0 stands for the whole picture, whatever the window.
    this.scale = by && Math.min(MOST, Math.max(LEAST, (this.scale || this.fit) * by));
    this.draw();
  }

  draw() {
    const scale = this.scale || this.fit;
    this.picture.width = Math.max(1, this.picture.naturalWidth * scale);
    this.picture.height = Math.max(1, this.picture.naturalHeight * scale);
    this.one("scale").textContent = `${Math.round(scale * 100)} %`;
  }
}

let viewer = null;
export function open(link) {
  viewer ??= new Viewer(document.getElementById("viewer"));
  viewer.open(link);
}
