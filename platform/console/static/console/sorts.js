// Tables that are whole: cotton/table.html.

customElements.define("p-sorts", class extends HTMLElement {
  // <p-sorts> around a table whose rows are all there: its headings sort them, numbers downwards.
  connectedCallback() {
    this.heads = [...this.querySelectorAll("thead th")];
    for (const head of this.heads) {
      if (head.matches("[data-unsorted], :has(*)")) continue;
      const button = document.createElement("button");
      const ariaLabel = `Sort by ${head.textContent.trim()}`;
      const className = "sorts px-2 pointer-coarse:h-11";
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
      const number = words.match(/-?\$?[\d,.]*\d/)?.[0].replace(/[$,]/g, "");
      return isNumber ? Number(number ?? -Infinity) : words;
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
