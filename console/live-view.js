// @ts-check
// A page that shows the state of something, and looks again by itself while somebody can see it.

import { messageOf } from "./announce.js";
import { SignInError } from "./api.js";
import { fill, h } from "./dom.js";
import { texts } from "./texts.js";

/** @import { Command, Context } from "./types.d.ts" */

const EVERY_MS = 5_000;

/**
 * Subclasses give load(), which asks the API, and render(answer), which fills `element`.
 * @template Answer
 */
export class LiveView {
  /** @type {number | undefined} */
  #timer;
  /** @type {string | null} */
  #last = null;
  #closed = false;

  /**
   * @param {Context} context
   * @param {string} title
   */
  constructor(context, title) {
    this.context = context;
    this.title = title;
    this.element = h("div", { class: "page" }, h("p", { class: "muted" }, texts.general.loading));
    this.note = h("p", { class: "banner bad", role: "status", hidden: true });
    queueMicrotask(() => this.refresh());
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** @returns {Command[]} */
  commands() {
    return [];
  }

  /** @returns {Promise<Answer>} */
  async load() {
    throw new Error("a subclass loads");
  }

  /** @param {Answer} _answer */
  render(_answer) {
    throw new Error("a subclass renders");
  }

  /**
   * What of an answer makes a difference to see.
   * @param {Answer} answer
   * @returns {unknown}
   */
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
      this.#showProblem(messageOf(error));
    } finally {
      if (!this.#closed) this.#timer = setTimeout(() => this.#tick(), EVERY_MS);
    }
  }

  /** @param {string} message */
  #showProblem(message) {
    this.note.hidden = false;
    this.note.textContent = this.#last ? `${message} ${texts.general.outOfDate}` : message;
    if (this.#last) {
      this.element.prepend(this.note);
      return;
    }
    const again = h("button", { type: "button", onclick: () => this.refresh() }, texts.general.tryAgain);
    fill(this.element, h("h1", {}, this.title), this.note, again);
  }

  #tick() {
    if (document.visibilityState === "visible") this.refresh();
    else this.#timer = setTimeout(() => this.#tick(), EVERY_MS);
  }
}

/**
 * Draw anew without losing the focus: it goes to the element of the same kind with the same name.
 * @param {HTMLElement} root
 * @param {() => void} draw
 */
function keepingPlace(root, draw) {
  const { activeElement: focused } = document;
  const name = focused && root.contains(focused) ? describe(focused) : null;
  draw();
  if (!name) return;
  /** @type {NodeListOf<HTMLElement>} */
  const elements = root.querySelectorAll("a, button, summary, [tabindex]");
  [...elements].find((each) => describe(each) === name)?.focus({ preventScroll: true });
}

/** @param {Element} element */
function describe(element) {
  const name = element.getAttribute("aria-label") ?? element.textContent;
  return `${element.tagName} ${name} ${element.getAttribute("href") ?? ""}`;
}
