// @ts-check
// Contrast, brightness and inversion: they change what is seen, never the photo, and stay as they were set.

import { h } from "./dom.js";
import { readSetting, writeSetting } from "./settings.js";
import { texts } from "./texts.js";

/** @import { Filter } from "./types.d.ts" */
/** @import { Stage } from "./stage.js" */

/** @typedef {"contrast" | "brightness"} Slider */

/** @type {Filter} */
const PLAIN = { contrast: 100, brightness: 100, invert: false };
const LEAST = 20; // percent
const MOST = 400;
const KEY_STEP = 20;

export class ViewControls {
  #stage;

  /** @param {Stage} stage */
  constructor(stage) {
    this.#stage = stage;
    this.contrast = this.#slider("contrast", texts.bench.contrast, texts.bench.contrastKeys);
    this.brightness = this.#slider("brightness", texts.bench.brightness, texts.bench.brightnessKeys);
    this.invert = h("input", {
      type: "checkbox",
      id: "view-invert",
      onchange: () => this.#set({ invert: this.invert.checked }),
    });
    this.element = h(
      "section",
      { class: "view-controls" },
      h("h2", {}, texts.bench.view),
      this.contrast.row,
      this.brightness.row,
      h(
        "div",
        { class: "row spread" },
        h("label", { class: "check" }, this.invert, texts.bench.invert),
        h(
          "button",
          { type: "button", class: "quiet", onclick: () => this.reset() },
          `${texts.bench.reset} `,
          h("kbd", {}, "R"),
        ),
      ),
    );
    this.#set(readSetting("filter", PLAIN));
  }

  reset() {
    this.#set(PLAIN);
  }

  toggleInvert() {
    this.#set({ invert: !this.#stage.filter.invert });
  }

  /**
   * One step up or down.
   * @param {Slider} name
   * @param {1 | -1} direction
   */
  step(name, direction) {
    this.#set({ [name]: this.#stage.filter[name] + direction * KEY_STEP });
  }

  /**
   * @param {Slider} name
   * @param {string} label
   * @param {string} title
   */
  #slider(name, label, title) {
    const output = h("output", {});
    const input = h("input", {
      type: "range", id: `view-${name}`, min: LEAST, max: MOST, step: 10, "aria-label": label, title,
      oninput: () => this.#set({ [name]: Number(input.value) }),
    });
    return { input, output, row: h("div", { class: "slider" }, h("label", { for: input.id }, label), input, output) };
  }

  /** @param {Partial<Filter>} change */
  #set(change) {
    const wanted = { ...this.#stage.filter, ...change };
    const clamp = (/** @type {number} */ value) => Math.min(MOST, Math.max(LEAST, value));
    const filter = {
      contrast: clamp(wanted.contrast),
      brightness: clamp(wanted.brightness),
      invert: Boolean(wanted.invert),
    };
    this.#stage.setFilter(filter);
    writeSetting("filter", filter);
    for (const name of /** @type {Slider[]} */ (["contrast", "brightness"])) {
      this[name].input.value = String(filter[name]);
      this[name].output.textContent = texts.bench.percent(filter[name]);
    }
    this.invert.checked = filter.invert;
  }
}
