// A mask painted over the first image: what is painted may change. The dialog has a canvas with the
// image behind it, painted by pointer, or by arrows and the space bar.

const STEP = 1 / 40; // of the image's width, by an arrow key
const BY = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const dialog = document.getElementById("brush");
const canvas = dialog.querySelector("canvas");
const pen = canvas.getContext("2d");
const picture = dialog.querySelector("img");
const width = dialog.querySelector("[type=range]");
let at = [0, 0];
let last = null; // where the line goes on from
let paints = false;
let isEmpty = true;

export async function open(button) {
  // Choose what is painted in the file field beside the button.
  const field = button.closest("[data-mask]");
  const note = field.querySelector("[data-note]");
  const first = document.querySelector("#uses :checked")?.dataset.picture
    ?? document.querySelector("[data-chosen] img")?.src;
  note.textContent = first ? "" : "Choose the image to edit first.";
  if (!first) return;
  const made = await painted(first).catch(() => undefined);
  if (made === undefined) note.textContent = "The image cannot be shown: choose a mask as a file.";
  if (!made) return;
  const held = new DataTransfer();
  held.items.add(made);
  field.querySelector("[type=file]").files = held.files;
  note.textContent = "A painted mask was chosen.";
}

async function painted(address) {
  // Return the mask as a file, or null if nothing was painted or it was closed.
  picture.src = address;
  await picture.decode();
  canvas.width = picture.naturalWidth;
  canvas.height = picture.naturalHeight;
  at = [canvas.width / 2, canvas.height / 2];
  paints = false;
  isEmpty = true;
  dialog.returnValue = "";
  dialog.showModal();
  canvas.focus();
  show();
  await new Promise((resolve) => { dialog.addEventListener("close", resolve, { once: true }); });
  return dialog.returnValue === "done" && !isEmpty ? mask() : null;
}

async function mask() {
  // Opaque where nothing was painted; transparent, at every pixel's whole, where it was.
  const pixels = pen.getImageData(0, 0, canvas.width, canvas.height);
  for (let place = 3; place < pixels.data.length; place += 4) {
    pixels.data[place] = pixels.data[place] ? 0 : 255;
  }
  pen.putImageData(pixels, 0, 0);
  const bytes = await new Promise((resolve) => { canvas.toBlob(resolve, "image/png"); });
  return new File([bytes], "mask.png", { type: "image/png" });
}

const radius = () => (canvas.width * width.value) / 200;

function show() {
  // The ring is where the brush is, as wide as it paints.
  const scale = canvas.clientWidth / canvas.width;
  const across = 2 * radius() * scale;
  const [left, top] = at.map((place) => place * scale - across / 2);
  const { style } = dialog.querySelector("[data-ring]");
  [style.width, style.height, style.left, style.top] = [across, across, left, top].map((one) => `${one}px`);
  dialog.querySelector("[data-state]").textContent = paints ? "Painting" : "Not painting";
}

function to(place) {
  if (paints) {
    Object.assign(pen, { lineCap: "round", lineWidth: 2 * radius(), strokeStyle: "#f0f" });
    pen.beginPath();
    pen.moveTo(...(last ?? place));
    pen.lineTo(...place);
    pen.stroke();
    isEmpty = false;
    last = place;
  }
  at = place;
  show();
}

function follow({ offsetX, offsetY }) {
  const scale = canvas.width / canvas.clientWidth;
  to([offsetX * scale, offsetY * scale]);
}

function begin(paint) {
  paints = paint;
  last = null;
}

canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  begin(true);
  follow(event);
});
canvas.addEventListener("pointermove", follow);
canvas.addEventListener("lostpointercapture", () => { paints = false; });
canvas.addEventListener("keydown", (event) => {
  const step = canvas.width * STEP * (event.shiftKey ? 4 : 1);
  const most = [canvas.width, canvas.height];
  const by = BY[event.key];
  if (event.key === " ") begin(!paints);
  else if (!by) return;
  to(by ? at.map((place, axis) => Math.min(most[axis], Math.max(0, place + by[axis] * step))) : at);
  event.preventDefault();
});
width.addEventListener("input", show);
dialog.querySelector("[data-clear]").addEventListener("click", () => {
  pen.clearRect(0, 0, canvas.width, canvas.height);
  isEmpty = true;
  canvas.focus();
});
