// @ts-check
// The boxes of a photo as a list beside it, for screen readers too, and the buttons that accept proposals.

import { fill, h, showInside } from "./dom.js";
import { texts } from "./texts.js";
import { keyButton, swatch } from "./widgets.js";

/** @import { KeyedBox } from "./types.d.ts" */
/** @import { Boxes } from "./boxes.js" */

export class BoxList {
  /** @type {Boxes | null} */
  #boxes = null;

  /**
   * @param {string[]} classes
   * @param {{ accept: () => void, acceptAll: () => void, remove: () => void }} actions on the selected box, and on
   *   all that the model proposes
   */
  constructor(classes, actions) {
    this.classes = classes;
    this.head = h("h2", {}, texts.boxes.title);
    this.removeButton = keyButton(texts.boxes.remove, "X", actions.remove, "small");
    this.list = h("ul", { class: "boxes", role: "listbox", "aria-label": texts.boxes.title, tabindex: 0 });
    this.list.addEventListener("focus", () => !this.#boxes?.selected && this.#boxes?.selectNext(1));
    this.empty = h("p", { class: "empty" });
    this.toDecide = h("p", { class: "hint" });
    this.acceptButton = keyButton(texts.boxes.accept, "A", actions.accept);
    this.proposals = h(
      "div",
      { class: "row" },
      this.toDecide,
      this.acceptButton,
      keyButton(texts.boxes.acceptAll, "⇧A", actions.acceptAll),
    );
    const head = h("div", { class: "row spread" }, this.head, this.removeButton);
    this.element = h("section", { class: "grow" }, head, this.list, this.empty, this.proposals);
  }

  get hasFocus() {
    return document.activeElement === this.list;
  }

  /**
   * @param {Boxes | null} boxes null while there is no photo
   * @param {boolean} readOnly
   */
  show(boxes, readOnly) {
    this.#boxes = boxes;
    const list = boxes?.list ?? [];
    const selected = boxes?.selected ?? null;
    this.head.textContent = texts.boxes.numbered(list.length);
    this.empty.textContent = boxes && !readOnly ? texts.boxes.noneYet : texts.boxes.none;
    this.empty.hidden = list.length > 0;
    this.list.hidden = !list.length;
    this.removeButton.hidden = readOnly || !list.length;
    this.removeButton.disabled = !selected;
    const options = list.map((box, index) => this.#option(box, index, box === selected));
    fill(this.list, options);
    const option = selected && options[list.indexOf(selected)];
    if (option) this.list.setAttribute("aria-activedescendant", option.id);
    else this.list.removeAttribute("aria-activedescendant");
    if (option) showInside(this.list, option);
    const undecided = readOnly ? 0 : (boxes?.undecided.length ?? 0);
    this.proposals.hidden = !undecided;
    this.toDecide.textContent = texts.boxes.toDecide(undecided);
    this.acceptButton.disabled = selected?.origin !== "proposal";
  }

  /**
   * @param {KeyedBox} box
   * @param {number} index
   * @param {boolean} isSelected
   */
  #option(box, index, isSelected) {
    const name = [index + 1, this.classes[box.class_id] ?? texts.stage.unknownClass(box.class_id)].join(" ");
    const place = texts.boxes.place(box);
    const origin = texts.boxes.origins[box.origin] && texts.boxes.origin(texts.boxes.origins[box.origin], box.score);
    return h(
      "li",
      {
        id: `box-${box.key}`,
        role: "option",
        "aria-selected": String(isSelected),
        onclick: () => this.#boxes?.select(box.key),
      },
      swatch(box.class_id, box.origin),
      h("span", { class: "box-name" }, name),
      origin && h("span", { class: "box-origin" }, origin),
      h("span", { class: "box-place" }, place),
    );
  }
}
