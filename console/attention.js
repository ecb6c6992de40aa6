// Images about which only an engineer can decide: rounds that did not settle them, skipped ones, labels that look wrong.

import { confirm, count, fileName, fill, h, say, svg } from "./dom.js";
import { LiveView } from "./live.js";
import { colourOf } from "./stage.js";

const ACTIONS = { relabel: "Label again", accept: "Accept as it is", drop: "Leave out" };
const DONE = { relabel: "goes back to labelling", accept: "is accepted", drop: "is left out" };

export class AttentionView extends LiveView {
  title = "Attention";

  load() {
    return this.app.api.attention();
  }

  /** Links to photos are signed anew each time; that alone is no change. */
  signature(images) {
    return images.map(({ image_url: _, ...image }) => image);
  }

  render(images) {
    fill(
      this.element,
      h("h1", {}, "Needs an engineer"),
      images.length
        ? h("p", { class: "muted" }, `${count(images.length, "image")} that people or the model could not settle.`)
        : h("div", { class: "empty-state" }, h("p", {}, h("strong", {}, "Nothing here.")), h("p", {}, "Skipped images, images that came back too often, and labels that a new model contradicts appear here.")),
      h("ul", { class: "cards wide" }, images.map((image) => this.#card(image))),
    );
  }

  #card(image) {
    const overlay = svg("svg", { viewBox: `0 0 ${image.width} ${image.height}`, "aria-hidden": "true" });
    for (const box of image.annotations ?? []) {
      const place = { x: box.left, y: box.top, width: box.width, height: box.height };
      overlay.append(svg("rect", { ...place, class: "halo", stroke: "#000" }), svg("rect", { ...place, class: "line", stroke: colourOf(box.class_id) }));
    }
    const photo = h("img", { src: image.image_url, alt: `Photo ${fileName(image.name)}`, loading: "lazy", decoding: "async", referrerpolicy: "no-referrer" });
    const frame = h("span", { class: "tile-photo" }, photo, overlay);
    frame.style.aspectRatio = `${image.width} / ${image.height}`;
    const buttons = Object.entries(ACTIONS).map(([action, text]) =>
      h(
        "button",
        {
          type: "button", "aria-label": `${text}: ${fileName(image.name)}`, onclick: () => this.#settle(image, action),
          disabled: action === "accept" && !image.annotations, // there is no label to accept
        },
        text,
      ),
    );
    return h(
      "li",
      { class: "card" },
      frame,
      h("h2", {}, fileName(image.name)),
      h("p", {}, image.why),
      h("p", { class: "muted" }, image.annotations ? count(image.annotations.length, "box", "boxes") : "no label"),
      this.app.api.isEngineer ? h("div", { class: "row" }, buttons) : h("p", { class: "muted" }, "An engineer decides."),
    );
  }

  async #settle(image, action) {
    const name = fileName(image.name);
    if (action === "drop" && !(await confirm(`Leave out ${name}?`, "No model will learn from this image.", "Leave out", { danger: true }))) return;
    try {
      await this.app.api.settle(image.image_id, action);
      say(`${name} ${DONE[action]}.`, "good");
      await this.refresh();
    } catch (error) {
      say(error.message, "bad");
    }
  }
}
