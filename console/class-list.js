// @ts-check
// The classes to choose from: of the selected box, or of the next one. Tab comes to the chosen one, arrows go on.

import { searchClass } from "./class-search.js";
import { fill, h, showInside } from "./dom.js";
import { texts } from "./texts.js";
import { keyButton, swatch } from "./widgets.js";

const WITH_KEYS = 9; // the first classes have a number key
/** @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

export class ClassList {
  /**
   * @param {string[]} classes
   * @param {(classId: number) => void} choose
   */
  constructor(classes, choose) {
    this.classes = classes;
    this.choose = choose;
    this.list = h("div", {
      class: "classes", role: "radiogroup", "aria-label": texts.bench.classes,
      onkeydown: (event) => this.#onKey(event),
    });
    this.buttons = classes.map((name, classId) => this.#button(name, classId));
    fill(this.list, this.buttons);
    const search = this.hasSearch && keyButton(texts.bench.search, "F", () => this.search(), "small");
    const head = h("div", { class: "row spread" }, h("h2", {}, texts.bench.classes), search);
    this.element = h("section", { class: "class-list" }, head, this.list);
    this.show(0);
  }

  /** Whether there are more classes than number keys. */
  get hasSearch() {
    return this.classes.length > WITH_KEYS;
  }

  /** Type to find a class, and choose it. */
  async search() {
    const found = await searchClass(this.classes);
    if (found !== null) this.choose(found);
  }

  /**
   * @param {string} name
   * @param {number} classId
   */
  #button(name, classId) {
    return h(
      "button",
      { type: "button", role: "radio", onclick: () => this.choose(classId) },
      swatch(classId),
      h("span", { class: "class-name" }, name),
      classId < WITH_KEYS && h("kbd", {}, String(classId + 1)),
    );
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const step = STEPS[event.key];
    const at = this.buttons.findIndex((button) => button === document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = (at + step + this.buttons.length) % this.buttons.length;
    this.choose(next);
    this.buttons[next]?.focus();
  }

  /** @param {number} chosen */
  show(chosen) {
    for (const [classId, button] of this.buttons.entries()) {
      button.setAttribute("aria-checked", String(classId === chosen));
      button.tabIndex = classId === chosen ? 0 : -1;
    }
    const button = this.buttons[chosen];
    if (this.hasSearch && button) showInside(this.list, button);
  }
}
