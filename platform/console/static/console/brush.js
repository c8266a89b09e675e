// A mask painted over the first image: what is painted may change.

const STEP = 1 / 40; // of the image's width, by an arrow key

class Brush {
  // Of a dialog: a canvas with the image behind it, painted by pointer, or by arrows and the space bar.
  constructor(dialog) {
    this.dialog = dialog;
    this.canvas = dialog.querySelector("canvas");
    this.pen = this.canvas.getContext("2d");
    this.picture = dialog.querySelector("img");
    this.ring = dialog.querySelector("[data-ring]");
    this.width = dialog.querySelector("[type=range]");
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.paints = true;
      this.last = null;
      this.to(this.placeOf(event));
    });
    this.canvas.addEventListener("pointermove", (event) => this.to(this.placeOf(event)));
    for (const name of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(name, () => { this.paints = false; });
    }
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.width.addEventListener("input", () => this.show());
    dialog.querySelector("[data-clear]").addEventListener("click", () => this.clear());
  }

  async paint(address) {
    // Return the mask as a file, or null if nothing was painted or it was closed.
    this.picture.src = address;
    await this.picture.decode();
    this.canvas.width = this.picture.naturalWidth;
    this.canvas.height = this.picture.naturalHeight;
    this.at = [this.canvas.width / 2, this.canvas.height / 2];
    this.paints = false;
    this.isEmpty = true;
    this.dialog.returnValue = "";
    this.dialog.showModal();
    this.canvas.focus();
    this.show();
    await new Promise((resolve) => { this.dialog.addEventListener("close", resolve, { once: true }); });
    return this.dialog.returnValue === "done" && !this.isEmpty ? this.mask() : null;
  }

  get radius() { return (this.canvas.width * this.width.value) / 200; }

  placeOf({ offsetX, offsetY }) {
    const scale = this.canvas.width / this.canvas.clientWidth;
    return [offsetX * scale, offsetY * scale];
  }

  key(event) {
    const step = this.canvas.width * STEP * (event.shiftKey ? 4 : 1);
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === " ") {
      this.paints = !this.paints;
      this.last = null;
      this.to(this.at);
    } else if (by) {
      const most = [this.canvas.width, this.canvas.height];
      this.to(this.at.map((place, axis) => Math.min(most[axis], Math.max(0, place + by[axis] * step))));
    } else return;
    event.preventDefault();
  }

  to(place) {
    if (this.paints) {
      Object.assign(this.pen, { lineCap: "round", lineWidth: 2 * this.radius, strokeStyle: "#f0f" });
      this.pen.beginPath();
      this.pen.moveTo(...(this.last ?? place));
      this.pen.lineTo(...place);
      this.pen.stroke();
      this.isEmpty = false;
      this.last = place;
    }
    this.at = place;
    this.show();
  }

  show() {
    // The ring is where the brush is, as wide as it paints.
    const scale = this.canvas.clientWidth / this.canvas.width;
    const across = 2 * this.radius * scale;
    const [left, top] = this.at.map((place) => place * scale - across / 2);
    const { style } = this.ring;
    [style.width, style.height, style.left, style.top] = [across, across, left, top].map((one) => `${one}px`);
    this.dialog.querySelector("[data-state]").textContent = this.paints ? "Painting" : "Not painting";
  }

  clear() {
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.isEmpty = true;
    this.canvas.focus();
  }

  async mask() {
    // Opaque where nothing was painted; transparent, at every pixel's whole, where it was.
    const { width, height } = this.canvas;
    const pixels = this.pen.getImageData(0, 0, width, height);
    for (let at = 3; at < pixels.data.length; at += 4) pixels.data[at] = pixels.data[at] ? 0 : 255;
    this.pen.putImageData(pixels, 0, 0);
    const bytes = await new Promise((resolve) => { this.canvas.toBlob(resolve, "image/png"); });
    return new File([bytes], "mask.png", { type: "image/png" });
  }
}

let brush = null;
export async function open(button) {
  // Choose what is painted in the file field beside the button.
  const field = button.closest("[data-mask]");
  const note = field.querySelector("[data-note]");
  const first = document.querySelector("#uses :checked")?.dataset.picture
    ?? document.querySelector("[data-chosen] img")?.src;
  note.textContent = first ? "" : "Choose the image to edit first.";
  if (!first) return;
  brush ??= new Brush(document.getElementById("brush"));
  const made = await brush.paint(first).catch(() => undefined);
  if (made === undefined) note.textContent = "The image cannot be shown: choose a mask as a file.";
  if (!made) return;
  const held = new DataTransfer();
  held.items.add(made);
  field.querySelector("[type=file]").files = held.files;
  note.textContent = "A painted mask was chosen.";
}
