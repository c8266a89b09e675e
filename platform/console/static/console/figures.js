// How a chart is read by pointer, keys and taps: parts/chart_card.html.

customElements.define("p-chart", class extends HTMLElement {
  connectedCallback() {
    [this.stop, this.card] = this.querySelectorAll("[role=slider], .chart-card");
    this.buckets = [...this.querySelectorAll(".bucket")];
    for (const title of this.querySelectorAll("title")) {
      title.parentNode.dataset.words = title.textContent;
      title.remove();
    }
    this.chosen = this.buckets.at(-1);
    this.show(this.chosen);
    this.hide();
    this.addEventListener("pointerover", ({ target }) => this.show(target.closest(".bucket")));
    this.addEventListener("pointerleave", () => this.leave(document.activeElement));
    this.addEventListener("focusout", ({ relatedTarget }) => this.leave(relatedTarget));
    this.addEventListener("click", (event) => this.tap(event));
    this.stop.addEventListener("focus", () => this.show(this.chosen));
    addEventListener("keydown", (event) => this.press(event));
  }

  press(event) {
    if (event.key === "Escape") this.hide();
    if (document.activeElement !== this.stop) return;
    const at = this.buckets.indexOf(this.chosen);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: this.buckets.length - 1 }[event.key];
    if (event.key === "Enter") this.card.querySelector("a:not([hidden])")?.click();
    if (to === undefined) return;
    event.preventDefault();
    this.show(this.buckets[to]);
  }

  tap(event) {
    const bucket = event.target.closest(".bucket");
    if (!bucket || !matchMedia("(hover: none)").matches) return;
    event.preventDefault();
    this.stop.focus({ preventScroll: true });
    this.show(bucket);
  }

  leave(to) {
    if (!this.contains(to)) this.hide();
  }

  hide() {
    this.card.hidden = true;
    this.chosen.classList.remove("is-shown");
  }

  show(bucket) {
    if (!bucket) return;
    this.hide();
    this.chosen = bucket;
    bucket.classList.add("is-shown");
    const { when, total } = bucket.dataset;
    const [head, list, sum, open] = this.card.children;
    head.textContent = when;
    list.replaceChildren(...[...bucket.querySelectorAll(".segment, .dot")].map((part) =>
      Object.assign(document.createElement("li"), {
        className: part.classList[0],
        textContent: part.dataset.words.slice(when.length + 3),
      })));
    sum.textContent = total;
    const rows = bucket.querySelector("a");
    open.href = rows?.href.baseVal;
    open.hidden = !rows;
    this.card.hidden = false;
    this.stop.ariaValueNow = this.buckets.indexOf(bucket);
    this.stop.ariaValueText = this.card.innerText;
    const [frame, place, card] = [this, bucket, this.card].map((one) => one.getBoundingClientRect());
    const left = place.right + card.width > frame.right ? place.left - card.width : place.right;
    this.card.style.left = `${Math.max(left - frame.left, 0)}px`;
  }
});

// Tables that are whole: cotton/table.html.

customElements.define("p-sorts", class extends HTMLElement {
  // <p-sorts> around a table whose rows are all there: its headings sort them, numbers downwards.
  connectedCallback() {
    this.heads = [...this.querySelectorAll("thead th")];
    for (const head of this.heads) {
      if (head.matches("[data-unsorted], :has(*)")) continue;
      const button = document.createElement("button");
      const ariaLabel = `Sort by ${head.textContent.trim()}`;
      const className = "sorts px-2 max-sm:hidden pointer-coarse:h-11";
      Object.assign(button, { type: "button", textContent: "↕", className, ariaLabel });
      button.addEventListener("click", () => this.sort(head));
      head.append(" ", button);
    }
  }

  sort(head) {
    const isNumber = head.matches(".text-right, [data-number]");
    const isUp = head.ariaSort ? head.ariaSort === "descending" : !isNumber;
    const valueOf = ({ cells }) => {
      const cell = cells[this.heads.indexOf(head)];
      const words = cell.querySelector("time")?.dateTime ?? cell.textContent.trim();
      const number = words.match(/[-−]?\$?[\d,.]*\d/)?.[0].replace(/[$,]/g, "").replace("−", "-");
      return isNumber ? Number(number ?? (words && -Infinity)) : words; // "": no change
    };
    const rows = [...this.querySelector("tbody").rows].map((row) => [valueOf(row), row]);
    const compare = (one, other) => (isNumber ? one - other : one.localeCompare(other));
    rows.sort(([one], [other]) => (isUp ? compare(one, other) : compare(other, one)));
    for (const [, row] of rows) row.parentElement.append(row);
    for (const one of this.heads) {
      one.ariaSort = one === head ? (isUp ? "ascending" : "descending") : null;
      one.querySelector(".sorts")?.replaceChildren(one === head ? (isUp ? "↑" : "↓") : "↕");
    }
  }
});
