// Small helpers to build the page. Text from outside only ever becomes text nodes, so nothing in a name or comment can run.

/** An element with properties, attributes (names with "-", "role", …), listeners ("onclick") and children (nodes or texts). */
export function h(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** The same for SVG, attributes only. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Replace what is in `parent`. */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
}

/** Say something to a screen reader, and show it for a moment; `kind` is "info", "good" or "bad". */
export function say(text, kind = "info") {
  const live = document.getElementById(kind === "bad" ? "alerts" : "messages");
  live.textContent = "";
  requestAnimationFrame(() => {
    live.textContent = text;
  });
  const toasts = document.getElementById("toasts");
  const toast = h("div", { class: `toast ${kind}` }, text);
  toasts.append(toast);
  while (toasts.children.length > 3) toasts.firstChild.remove();
  setTimeout(() => toast.remove(), kind === "bad" ? 9_000 : 4_000);
}

/** Say something to a screen reader only. */
export function whisper(text) {
  const live = document.getElementById("messages");
  live.textContent = "";
  requestAnimationFrame(() => {
    live.textContent = text;
  });
}

/**
 * A modal dialog; `body` gets close(value) and gives the content. The promise is fulfilled with that value, or null when it was
 * dismissed. The focus goes to the first field and comes back afterwards.
 */
export function dialog(title, body, { wide = false } = {}) {
  return new Promise((resolve) => {
    let result = null;
    const before = document.activeElement;
    const close = (value) => {
      result = value;
      element.close();
    };
    const heading = h("h2", { id: "dialog-title" }, title);
    const shut = h(
      "button",
      { class: "quiet icon", type: "button", "aria-label": "Close", onclick: () => close(null) },
      "×",
    );
    const element = h(
      "dialog",
      { "aria-labelledby": "dialog-title", class: wide ? "wide" : null },
      h("div", { class: "dialog-head" }, heading, shut),
      body(close),
    );
    element.addEventListener("close", () => {
      element.remove();
      before?.focus?.({ preventScroll: true });
      resolve(result);
    });
    element.addEventListener("click", (event) => {
      if (event.target === element) close(null); // the backdrop
    });
    document.body.append(element);
    element.showModal();
    element.querySelector("[autofocus]")?.focus();
  });
}

/** Ask for a yes or a no. */
export function confirm(title, text, yes, { danger = false } = {}) {
  return dialog(title, (close) =>
    h(
      "form",
      {
        method: "dialog",
        onsubmit: (event) => {
          event.preventDefault();
          close(true);
        },
      },
      h("p", {}, text),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", onclick: () => close(null) }, "Cancel"),
        h("button", { class: danger ? "danger" : "primary", autofocus: true }, yes),
      ),
    ),
  );
}

/** Ask for a reason: some to choose from by number key, and words of one's own. Gives the text or null. */
export function askReason(title, reasons, yes, { required = true, explain = null } = {}) {
  return dialog(title, (close) => {
    const field = h("textarea", { id: "reason", rows: 2, maxlength: 500, required });
    const choose = (reason) => close(reason);
    const list = h(
      "div",
      { class: "reasons", role: "group", "aria-label": "Common reasons" },
      reasons.map((reason, index) =>
        h(
          "button",
          { type: "button", autofocus: index === 0, onclick: () => choose(reason) },
          h("kbd", {}, String(index + 1)),
          " ",
          reason,
        ),
      ),
    );
    const form = h(
      "form",
      {
        method: "dialog",
        onsubmit: (event) => {
          event.preventDefault();
          const text = field.value.trim();
          if (text || !required) close(text);
          else field.setCustomValidity("Say why, in some words.");
          field.reportValidity();
        },
        onkeydown: (event) => {
          if (event.target === field) {
            if (event.key === "Enter" && !event.shiftKey) {
              event.preventDefault();
              form.requestSubmit();
            }
            return;
          }
          const reason = reasons[Number(event.key) - 1];
          if (reason && !event.ctrlKey && !event.metaKey && !event.altKey) {
            event.preventDefault();
            choose(reason);
          }
        },
      },
      explain && h("p", {}, explain),
      list,
      h("label", { for: "reason" }, required ? "Or in your own words" : "Reason (optional)"),
      field,
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", onclick: () => close(null) }, "Cancel"),
        h("button", { class: "primary" }, yes),
      ),
    );
    field.addEventListener("input", () => field.setCustomValidity(""));
    return form;
  });
}

/** "3 images", "1 image". */
export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** "4 minutes ago" for a time in milliseconds or as ISO 8601. */
export function ago(time, now = Date.now()) {
  const moment = typeof time === "string" ? Date.parse(time) : time;
  if (!moment) return "–";
  const seconds = Math.max(0, (now - moment) / 1000);
  for (const [unit, size] of [["day", 86_400], ["hour", 3_600], ["minute", 60]]) {
    if (seconds >= size) return `${count(Math.floor(seconds / size), unit)} ago`;
  }
  return "just now";
}

/** The last part of a key: what people call the image. */
export function fileName(name) {
  return name.split("/").at(-1);
}

/** A table with a caption for screen readers. `rows` hold nodes or texts. */
export function table(caption, head, rows) {
  return h(
    "div",
    { class: "table", tabindex: 0, role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", { class: "hidden" }, caption),
      h("thead", {}, h("tr", {}, head.map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell))))),
    ),
  );
}

export function progressBar(done, total, label) {
  const share = total ? done / total : 1;
  const bar = h("span", { class: "bar" });
  bar.style.width = `${(share * 100).toFixed(2)}%`;
  return h(
    "span",
    {
      class: "progress",
      role: "progressbar",
      "aria-label": label,
      "aria-valuemin": 0,
      "aria-valuemax": total,
      "aria-valuenow": done,
      "aria-valuetext": `${done} of ${total}`,
    },
    bar,
  );
}
