// @ts-check
// Images about which only an engineer can decide: rounds that did not settle them, skipped ones, labels that look
// wrong.

import { say, sayError } from "./announce.js";
import { confirm } from "./dialogs.js";
import { fill, h } from "./dom.js";
import { fileName } from "./format.js";
import { LiveView } from "./live-view.js";
import { texts } from "./texts.js";
import { emptyState, photoWithBoxes } from "./widgets.js";

/** @import { AttentionAction, AttentionImage, Context } from "./types.d.ts" */

/** @type {AttentionAction[]} */
const ACTIONS = ["relabel", "accept", "drop"];

/** @extends {LiveView<AttentionImage[]>} */
export class AttentionView extends LiveView {
  /** @param {Context} context */
  constructor(context) {
    super(context, texts.attention.title);
  }

  load() {
    return this.context.api.attention();
  }

  /**
   * Links to photos are signed anew each time; that alone is no change.
   * @param {AttentionImage[]} images
   */
  signature(images) {
    return images.map(({ image_url: _, ...image }) => image);
  }

  /** @param {AttentionImage[]} images */
  render(images) {
    this.context.count("attention", images.length);
    fill(
      this.element,
      h("h1", {}, texts.attention.heading),
      images.length
        ? h("p", { class: "muted" }, texts.attention.number(images.length))
        : emptyState(texts.attention.nothing, texts.attention.whatComes),
      h("ul", { class: "cards wide" }, images.map((image) => this.#card(image))),
    );
  }

  /** @param {AttentionImage} image */
  #card(image) {
    const name = fileName(image.name);
    const photo = h("img", {
      src: image.image_url, alt: texts.attention.photo(name), loading: "lazy", decoding: "async",
      referrerpolicy: "no-referrer",
    });
    const label = image.annotations ? texts.attention.boxes(image.annotations.length) : texts.attention.noLabel;
    return h(
      "li",
      { class: "card" },
      photoWithBoxes(photo, image, image.annotations ?? []),
      h("h2", {}, name),
      h("p", {}, image.why),
      h("p", { class: "muted" }, label),
      this.context.api.isEngineer
        ? h("div", { class: "row" }, ACTIONS.map((action) => this.#button(image, action)))
        : h("p", { class: "muted" }, texts.attention.engineerDecides),
    );
  }

  /**
   * @param {AttentionImage} image
   * @param {AttentionAction} action
   */
  #button(image, action) {
    const text = texts.attention.actions[action];
    const options = {
      type: "button",
      "aria-label": texts.attention.actionOn(text, fileName(image.name)),
      onclick: () => this.#settle(image, action),
      disabled: action === "accept" && !image.annotations, // there is no label to accept
    };
    return h("button", options, text);
  }

  /**
   * @param {AttentionImage} image
   * @param {AttentionAction} action
   */
  async #settle(image, action) {
    const name = fileName(image.name);
    if (action === "drop" && !(await confirmExclusion(name))) return;
    try {
      await this.context.api.settle(image.image_id, action);
      say(texts.attention.settled(name, texts.attention.done[action]), "good");
      await this.refresh();
    } catch (error) {
      sayError(error);
    }
  }
}

/** @param {string} name */
function confirmExclusion(name) {
  const { confirmExclude, excludeExplained, actions } = texts.attention;
  return confirm(confirmExclude(name), excludeExplained, actions.drop, { danger: true });
}
