// A page that shows what is, and looks again by itself while somebody can see it.

import { SignInError } from "./api.js";
import { fill, h } from "./dom.js";

const EVERY_MS = 5_000;

/** Subclasses give load(), which asks the API, and render(answer), which fills `element`. */
export class LiveView {
  #timer = null;
  #last = null;
  #closed = false;

  constructor(app) {
    this.app = app;
    this.element = h("div", { class: "page" }, h("p", { class: "muted" }, "Loading …"));
    this.note = h("p", { class: "banner bad", role: "status", hidden: true });
    queueMicrotask(() => this.refresh());
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  commands() {
    return [];
  }

  /** What of an answer makes a difference to see. */
  signature(answer) {
    return answer;
  }

  async refresh() {
    clearTimeout(this.#timer);
    try {
      const answer = await this.load();
      if (this.#closed) return;
      const text = JSON.stringify(this.signature(answer));
      // What is the same is not drawn again: a page that moves under the hand or the screen reader is a nuisance.
      if (text !== this.#last) {
        this.#last = text;
        keepingPlace(this.element, () => this.render(answer));
      }
      this.note.hidden = true;
    } catch (error) {
      if (this.#closed || error instanceof SignInError) return;
      this.note.hidden = false;
      this.note.textContent = this.#last ? `${error.message} What you see may be out of date.` : error.message;
      if (this.#last) this.element.prepend(this.note);
      else fill(this.element, h("h1", {}, this.title), this.note, h("button", { type: "button", onclick: () => this.refresh() }, "Try again"));
    } finally {
      if (!this.#closed) this.#timer = setTimeout(() => this.#tick(), EVERY_MS);
    }
  }

  #tick() {
    if (document.visibilityState === "visible") this.refresh();
    else this.#timer = setTimeout(() => this.#tick(), EVERY_MS);
  }
}

/** Draw anew without losing the focus: it goes to the element of the same kind with the same name. */
function keepingPlace(root, draw) {
  const { activeElement: focused } = document;
  const name = focused && root.contains(focused) ? describe(focused) : null;
  draw();
  if (name) [...root.querySelectorAll("a, button, summary, [tabindex]")].find((each) => describe(each) === name)?.focus({ preventScroll: true });
}

function describe(element) {
  return `${element.tagName} ${element.getAttribute("aria-label") ?? element.textContent} ${element.getAttribute("href") ?? ""}`;
}
