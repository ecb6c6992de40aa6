// @ts-check
// The page when a view can't be shown.

import { h } from "./dom.js";
import { texts } from "./texts.js";

/** @import { Command } from "./types.d.ts" */

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
