// @ts-check
// The boxes of a photo as a list beside it, for screen readers too, and the buttons that accept proposals.

import { colourOf } from "./colours.js";
import { fill, h } from "./dom.js";
import { texts } from "./texts.js";
import { keyButton } from "./widgets.js";

/** @import { KeyedBox } from "./types.d.ts" */
/** @import { Boxes } from "./boxes.js" */

export class BoxList {
  /** @type {Boxes | null} */
  #boxes = null;

  /**
   * @param {string[]} classes
   * @param {{ accept: () => void, acceptAll: () => void }} actions on the model's proposals
   */
  constructor(classes, actions) {
    this.classes = classes;
    this.head = h("h2", {}, texts.boxes.title);
    this.list = h("ul", { class: "boxes", role: "listbox", "aria-label": texts.boxes.title, tabindex: 0 });
    this.list.addEventListener("focus", () => !this.#boxes?.selected && this.#boxes?.selectNext(1));
    this.toDecide = h("p", { class: "hint" });
    this.acceptButton = keyButton(texts.boxes.accept, "A", actions.accept);
    this.proposals = h(
      "div",
      { class: "row" },
      this.toDecide,
      this.acceptButton,
      keyButton(texts.boxes.acceptAll, "⇧A", actions.acceptAll),
    );
    this.element = h("section", { class: "grow" }, this.head, this.list, this.proposals);
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
    const empty = boxes && !readOnly ? texts.boxes.noneYet : texts.boxes.none;
    const options = list.map((box, index) => this.#option(box, index, box === selected, readOnly));
    fill(this.list, options.length ? options : h("li", { class: "empty", role: "presentation" }, empty));
    const option = selected && options[list.indexOf(selected)];
    if (option) this.list.setAttribute("aria-activedescendant", option.id);
    else this.list.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
    const undecided = readOnly ? 0 : (boxes?.undecided.length ?? 0);
    this.proposals.hidden = !undecided;
    this.toDecide.textContent = texts.boxes.toDecide(undecided);
    this.acceptButton.disabled = selected?.origin !== "proposal";
  }

  /**
   * @param {KeyedBox} box
   * @param {number} index
   * @param {boolean} isSelected
   * @param {boolean} readOnly
   */
  #option(box, index, isSelected, readOnly) {
    const name = [index + 1, this.classes[box.class_id] ?? texts.stage.unknownClass(box.class_id)].join(" ");
    const place = texts.boxes.place(box);
    const origin = texts.boxes.origins[box.origin] && texts.boxes.origin(texts.boxes.origins[box.origin], box.score);
    const mark = h("span", { class: `mark ${box.origin}`, "aria-hidden": "true" });
    mark.style.borderColor = colourOf(box.class_id);
    return h(
      "li",
      {
        id: `box-${box.key}`,
        role: "option",
        "aria-selected": String(isSelected),
        "aria-label": [name, origin, place].filter(Boolean).join(", "),
        onclick: () => this.#boxes?.select(box.key),
      },
      mark,
      h("span", { class: "box-name" }, name),
      origin && h("span", { class: "box-origin" }, origin),
      h("span", { class: "box-place" }, place),
      !readOnly && this.#removeButton(box, index),
    );
  }

  /**
   * @param {KeyedBox} box
   * @param {number} index
   */
  #removeButton(box, index) {
    const options = {
      class: "quiet icon", type: "button", tabindex: -1, "aria-label": texts.boxes.remove(index + 1),
      onclick: (/** @type {MouseEvent} */ event) => {
        event.stopPropagation();
        this.#boxes?.remove(box.key);
      },
    };
    return h("button", options, "×");
  }
}
