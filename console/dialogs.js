// @ts-check
// Dialogs that ask: for a yes or no, for a reason, or for whatever a view puts into them.

import { h } from "./dom.js";
import { texts } from "./texts.js";

/**
 * A modal dialog; `body` gets close(value) and gives the content. The promise is fulfilled with that value, or null
 * when the dialog was dismissed. The focus goes to the first field and comes back afterwards.
 * @template Result
 * @param {string} title
 * @param {(close: (value: Result | null) => void) => HTMLElement} body
 * @param {{wide?: boolean}} options
 * @returns {Promise<Result | null>}
 */
export function dialog(title, body, { wide = false } = {}) {
  return new Promise((resolve) => {
    /** @type {Result | null} */
    let result = null;
    const before = document.activeElement;
    const close = (/** @type {Result | null} */ value) => {
      result = value;
      element.close();
    };
    const heading = h("h2", { id: "dialog-title" }, title);
    const shut = h(
      "button",
      { class: "quiet icon", type: "button", "aria-label": texts.general.close, onclick: () => close(null) },
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
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
      resolve(result);
    });
    element.addEventListener("click", (event) => {
      if (event.target === element) close(null); // the backdrop
    });
    document.body.append(element);
    element.showModal();
    /** @type {HTMLElement | null} */ (element.querySelector("[autofocus]"))?.focus({ preventScroll: true });
    element.scrollTop = 0;
  });
}

/**
 * Ask for a yes or a no.
 * @param {string} title
 * @param {string} text
 * @param {string} yes
 */
export async function confirm(title, text, yes, { danger = false } = {}) {
  const answer = await dialog(title, (/** @type {(value: true | null) => void} */ close) =>
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
        h("button", { type: "button", onclick: () => close(null) }, texts.general.cancel),
        h("button", { class: danger ? "danger" : "primary", autofocus: true }, yes),
      ),
    ),
  );
  return answer === true;
}

/**
 * Ask for a reason: some to choose from by number key, and words of one's own. Return the text or null.
 * @param {string} title
 * @param {string[]} reasons
 * @param {string} yes
 * @param {{required?: boolean, explain?: string | null}} options
 * @returns {Promise<string | null>}
 */
export function askReason(title, reasons, yes, { required = true, explain = null } = {}) {
  return dialog(title, (/** @type {(value: string | null) => void} */ close) => {
    const field = h("textarea", { id: "reason", rows: 2, maxlength: 500, required });
    field.addEventListener("input", () => field.setCustomValidity(""));
    const submit = () => {
      const text = field.value.trim();
      if (text || !required) close(text);
      else field.setCustomValidity(texts.reason.missing);
      field.reportValidity();
    };
    return h(
      "form",
      {
        method: "dialog",
        onsubmit: (event) => {
          event.preventDefault();
          submit();
        },
        onkeydown: (event) => onReasonKey(event, field, reasons, close),
      },
      explain && h("p", {}, explain),
      reasonButtons(reasons, close),
      h("label", { for: "reason" }, required ? texts.reason.own : texts.reason.optional),
      field,
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", onclick: () => close(null) }, texts.general.cancel),
        h("button", { class: "primary" }, yes),
      ),
    );
  });
}

/**
 * @param {string[]} reasons
 * @param {(reason: string) => void} choose
 */
function reasonButtons(reasons, choose) {
  return h(
    "div",
    { class: "reasons", role: "group", "aria-label": texts.reason.common },
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
}

/**
 * In the field Enter sends it; elsewhere a number key chooses a reason.
 * @param {KeyboardEvent} event
 * @param {HTMLTextAreaElement} field
 * @param {string[]} reasons
 * @param {(reason: string) => void} choose
 */
function onReasonKey(event, field, reasons, choose) {
  if (event.target === field) {
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      field.form?.requestSubmit();
    }
    return;
  }
  const reason = reasons[Number(event.key) - 1];
  if (reason && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    choose(reason);
  }
}
