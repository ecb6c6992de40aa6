// @ts-check
// The classes to choose from: of the selected box, or of the next one.

import { colourOf } from "./colours.js";
import { fill, h } from "./dom.js";
import { texts } from "./texts.js";

const WITH_KEYS = 9; // the first classes have a number key

export class ClassList {
  /**
   * @param {string[]} classes
   * @param {(classId: number) => void} choose
   */
  constructor(classes, choose) {
    this.element = h("div", { class: "classes", role: "radiogroup", "aria-label": texts.bench.classes });
    this.buttons = classes.map((name, classId) => {
      const dot = h("span", { class: "dot", "aria-hidden": "true" });
      dot.style.background = colourOf(classId);
      return h(
        "button",
        { type: "button", role: "radio", "aria-checked": String(classId === 0), onclick: () => choose(classId) },
        dot,
        h("span", { class: "class-name" }, name),
        classId < WITH_KEYS && h("kbd", {}, String(classId + 1)),
      );
    });
    fill(this.element, this.buttons);
  }

  /** @param {number} chosen */
  show(chosen) {
    for (const [classId, button] of this.buttons.entries()) {
      button.setAttribute("aria-checked", String(classId === chosen));
    }
  }
}
