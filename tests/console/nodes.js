// Each kind of node on the page: what axe's rules look at, in words, without its content or style.
() => {
  const all = document.body.querySelectorAll("*"), ids = new Set(), twice = new Set();
  for (const { id } of all) { if (id && ids.has(id)) twice.add(id); ids.add(id); }
  const refers = /^(aria-(labelledby|describedby|controls|owns|details)|for|list|popovertarget)$/;
  const says = /^(aria-(label|description|roledescription)|alt|title|placeholder)$/;
  const means = /^(aria-.*|role|type|scope|tabindex|autocomplete|lang)$/;
  const place = "main, nav, header, footer, aside, dialog, [role], [aria-live], body";
  const pressed = "a, button, input, select, textarea, summary, [tabindex]";
  const kind = (e) => `${e.tagName} ${e.getAttribute("role") ?? ""}`;
  const { documentElement, title, head } = document, landmarks = new Set();
  const found = new Set([`${Boolean(title)} ${documentElement.lang}`]);
  found.add(String(head.querySelector("meta[name=viewport]")?.content));
  let level = "";
  for (const e of all) {
    const said = [kind(e), kind(e.parentElement.closest(place)), Boolean(e.textContent.trim())];
    for (const { name, value } of e.attributes)
      if (refers.test(name)) said.push(name, value.split(" ").every((id) => ids.has(id)));
      else if (says.test(name)) said.push(name, Boolean(value.trim()));
      else if (means.test(name)) said.push(name, value);
    if (/^H[1-6]$/.test(e.tagName)) { said.push(level); level = e.tagName; }
    if (/^(LI|D[TD]|T[RDH]|OPTION|LEGEND|SUMMARY)$/.test(e.tagName)) said.push(kind(e.parentElement));
    if (/^(UL|OL|DL|TR)$/.test(e.tagName)) said.push([...new Set([...e.children].map(kind))]);
    if (e.matches("main, nav, header, footer, aside, section, form, [role]")) {
      const name = e.ariaLabel ?? document.getElementById(e.getAttribute("aria-labelledby"));
      const landmark = `${kind(e)} ${name?.textContent ?? name ?? ""}`;
      said.push(landmarks.has(landmark));
      landmarks.add(landmark);
    }
    if (e.matches(pressed)) {
      const { width, height } = e.getBoundingClientRect();
      const isSmall = Math.min(width, height) < 24 && width * height > 0;
      said.push(isSmall, Boolean(e.labels?.length));
      const around = e.parentElement.closest(pressed);
      said.push(around && kind(around));
    }
    if (e.scrollWidth > e.clientWidth && /auto|scroll/.test(getComputedStyle(e).overflowX))
      said.push("scrolls");
    found.add([...said, twice.has(e.id)].join());
  }
  return [...found];
}
