// @ts-check
// The page when a view can't be shown, and when there is none.

import { h } from "./dom.js";
import { texts } from "./texts.js";

/** @import { Command } from "./types.d.ts" */

/** The page at an address that nothing is at. */
export class NoSuchPageView {
  title = texts.noSuchPage.title;

  /** @param {string} address */
  constructor(address) {
    const links = Object.entries(texts.header.pages).map(([page, name]) =>
      h("li", {}, h("a", { class: "button", href: `#/${page}` }, name)),
    );
    this.element = h(
      "div",
      { class: "page narrow" },
      h("h1", {}, texts.noSuchPage.title),
      h("p", {}, texts.noSuchPage.explain(address)),
      h("ul", { class: "row" }, links),
    );
  }

  close() {}

  /** @returns {Command[]} */
  commands() {
    return [];
  }
}

export class ProblemView {
  title = texts.general.problem;

  /**
   * @param {string} message
   * @param {() => void} again
   */
  constructor(message, again) {
    this.element = h(
      "div",
      { class: "page narrow" },
      h("h1", {}, texts.general.problem),
      h(
        "div",
        { class: "empty-state" },
        h("p", { role: "alert" }, message),
        h(
          "div",
          { class: "row" },
          h("button", { type: "button", class: "primary", onclick: again }, texts.general.tryAgain),
          h("a", { class: "button", href: "#/jobs" }, texts.general.backToJobs),
        ),
      ),
    );
  }

  close() {}

  /** @returns {Command[]} */
  commands() {
    return [];
  }
}
