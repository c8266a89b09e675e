// Pictures at full size: links marked [data-loads=viewer], in the order of the page.

const LEAST = 1 / 16;
const MOST = 8;
const dialog = document.getElementById("viewer");
const one = (name) => dialog.querySelector(`[data-${name}]`);
const stage = one("stage");
const picture = one("picture");
let links = [];
let at = 0;
let chosen = 0; // the scale; 0 stands for the whole picture, whatever the window

export function open(link) {
  links = [...document.querySelectorAll("[data-loads=viewer]")];
  dialog.showModal();
  show(links.indexOf(link));
}

function show(place) {
  at = (place + links.length) % links.length;
  const link = links[at];
  const address = new URL(link.href, location).href;
  chosen = 0;
  Object.assign(picture, { src: address, alt: link.querySelector("img").alt });
  document.getElementById("viewer-address").textContent = address;
  one("file").href = link.closest("figure").querySelector("a[download]").href;
  one("place").textContent = `${at + 1} of ${links.length}`;
  for (const button of dialog.querySelectorAll("[data-step]")) button.disabled = links.length < 2;
  if (picture.complete) draw();
}

function fit() {
  const { naturalWidth: width, naturalHeight: height } = picture;
  return Math.min(1, (stage.clientWidth - 24) / width, (stage.clientHeight - 24) / height);
}

function draw() {
  const scale = chosen || fit();
  picture.width = Math.max(1, picture.naturalWidth * scale);
  picture.height = Math.max(1, picture.naturalHeight * scale);
  one("scale").textContent = `${Math.round(scale * 100)} %`;
}

dialog.addEventListener("click", ({ target }) => {
  const { step, zoom: by } = target.closest("button")?.dataset ?? {};
  if (step) show(at + Number(step));
  if (!by) return;
  chosen = Number(by) && Math.min(MOST, Math.max(LEAST, (chosen || fit()) * by));
  draw();
});
dialog.addEventListener("keydown", (event) => {
  const button = dialog.querySelector(`[aria-keyshortcuts="${CSS.escape(event.key)}"]`);
  const scrolls = event.key.startsWith("Arrow") && stage.scrollWidth > stage.clientWidth;
  if (!button || scrolls) return;
  event.preventDefault();
  button.click();
});
picture.addEventListener("load", draw);
addEventListener("resize", () => { if (dialog.open) draw(); });
