// @ts-check
// Finding a class by typing, where there are more classes than number keys.

import { dialog } from "./dialogs.js";
import { fill, h, showInside } from "./dom.js";
import { texts } from "./texts.js";
import { swatch } from "./widgets.js";

/**
 * The classes whose name has what was typed; those whose name begins with it come first.
 * @param {string[]} classes
 * @param {string} typed
 * @returns {number[]} their ids
 */
export function matching(classes, typed) {
  const wanted = typed.trim().toLowerCase();
  const place = (/** @type {number} */ id) => (classes[id] ?? "").toLowerCase().indexOf(wanted);
  const found = [...classes.keys()].filter((id) => place(id) >= 0);
  return found.sort((one, other) => Number(place(one) > 0) - Number(place(other) > 0) || one - other);
}

/**
 * Ask for a class. Return its id, or null when nothing was chosen.
 * @param {string[]} classes
 * @returns {Promise<number | null>}
 */
export function searchClass(classes) {
  return dialog(texts.bench.searchTitle, (/** @type {(value: number | null) => void} */ close) => {
    const search = new ClassSearch(classes, close);
    return search.element;
  });
}

class ClassSearch {
  /** @type {number[]} */
  #found = [];
  #at = 0;

  /**
   * @param {string[]} classes
   * @param {(classId: number) => void} choose
   */
  constructor(classes, choose) {
    this.classes = classes;
    this.choose = choose;
    this.list = h("ul", { id: "classes-found", role: "listbox", class: "found", "aria-label": texts.bench.classes });
    this.none = h("p", { class: "muted", role: "status" });
    this.field = h("input", {
      type: "text", role: "combobox", "aria-controls": "classes-found", "aria-expanded": "true", autocomplete: "off",
      "aria-autocomplete": "list", "aria-label": texts.bench.searchTitle, autofocus: true, spellcheck: "false",
      oninput: () => this.#show(0),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#onKey(event),
    });
    this.element = h("div", { class: "class-search" }, this.field, this.list, this.none);
    this.#show(0);
  }

  /** @param {number} at */
  #show(at) {
    this.#found = matching(this.classes, this.field.value);
    this.#at = Math.max(0, Math.min(at, this.#found.length - 1));
    const options = this.#found.map((classId, place) => {
      const attributes = {
        id: `class-${classId}`, role: "option", "aria-selected": String(place === this.#at),
        onclick: () => this.choose(classId),
      };
      return h("li", attributes, swatch(classId), this.classes[classId]);
    });
    fill(this.list, options);
    this.list.hidden = !options.length;
    this.none.textContent = options.length ? "" : texts.bench.searchNothing(this.field.value);
    const current = options[this.#at];
    if (current) this.field.setAttribute("aria-activedescendant", current.id);
    else this.field.removeAttribute("aria-activedescendant");
    if (current) showInside(this.list, current);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const chosen = this.#found[this.#at];
    if (event.key === "ArrowDown") this.#show(this.#at + 1);
    else if (event.key === "ArrowUp") this.#show(this.#at - 1);
    else if (event.key === "Enter" && chosen !== undefined) this.choose(chosen);
    else return;
    event.preventDefault();
  }
}
