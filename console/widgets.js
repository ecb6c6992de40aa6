// @ts-check
// Parts that several views show: tables, numbers, progress bars, a photo with its boxes.

import { colourOf, shapeOf } from "./colours.js";
import { h, svg } from "./dom.js";
import { texts } from "./texts.js";

/** @import { Box, Child, Children, Size } from "./types.d.ts" */

/**
 * A table with a caption for screen readers.
 * @param {string} caption
 * @param {string[]} head
 * @param {Child[][]} rows
 */
export function table(caption, head, rows) {
  return h(
    "div",
    { class: "table", tabindex: 0, role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", { class: "hidden" }, caption),
      h("thead", {}, h("tr", {}, head.map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell))))),
    ),
  );
}

/**
 * @param {number} done
 * @param {number} total
 * @param {string} label
 */
export function progressBar(done, total, label) {
  const share = total ? done / total : 1;
  const bar = h("span", { class: "bar" });
  bar.style.width = `${(share * 100).toFixed(2)}%`;
  return h(
    "span",
    {
      class: "progress",
      role: "progressbar",
      "aria-label": label,
      "aria-valuemin": 0,
      "aria-valuemax": total,
      "aria-valuenow": done,
      "aria-valuetext": texts.jobs.progress(done, total),
    },
    bar,
  );
}

/**
 * A number with what it counts.
 * @param {string} value
 * @param {string} label
 */
export function tile(value, label) {
  return h("div", { class: "tile-number" }, h("dt", {}, label), h("dd", {}, value));
}

/**
 * A button with the key that does the same.
 * @param {string} text
 * @param {string} key
 * @param {() => unknown} run
 * @param {string | null} kind
 */
export function keyButton(text, key, run, kind = null) {
  return h("button", { type: "button", class: kind, onclick: run }, `${text} `, h("kbd", {}, key));
}

/**
 * The colour and the shape of a class.
 * @param {number} classId
 * @param {string} kind
 */
export function swatch(classId, kind = "") {
  const shape = svg("svg", { viewBox: "0 0 10 10" }, svg("path", { d: shapeOf(classId) }));
  const mark = h("span", { class: `swatch ${kind}`.trim(), "aria-hidden": "true" }, shape);
  mark.style.backgroundColor = colourOf(classId);
  return mark;
}

/**
 * Change the text of a button that `keyButton` made.
 * @param {HTMLButtonElement} button
 * @param {string} text
 */
export function setLabel(button, text) {
  if (button.firstChild) button.firstChild.textContent = `${text} `;
}

/**
 * What a page shows while it is empty.
 * @param {string} what
 * @param {string} why
 */
export function emptyState(what, why) {
  return h("div", { class: "empty-state" }, h("p", {}, h("strong", {}, what)), h("p", {}, why));
}

/**
 * A photo with its boxes, as a picture that is not worked on. Each box has the shape of its class at its corner.
 * @param {HTMLImageElement} photo
 * @param {Size} size
 * @param {Box[]} boxes
 * @param {Children} children over the photo
 */
export function photoWithBoxes(photo, { width, height }, boxes, ...children) {
  const overlay = svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  for (const box of boxes) {
    const place = { x: box.left, y: box.top, width: box.width, height: box.height };
    overlay.append(
      svg("rect", { ...place, class: "halo", stroke: "#000" }),
      svg("rect", { ...place, class: "line", stroke: colourOf(box.class_id) }),
    );
  }
  const marks = boxes.map((box) => {
    const mark = swatch(box.class_id, "corner");
    mark.style.left = `${(box.left / width) * 100}%`;
    // Below the box where there is no room above it.
    const isHigh = box.top / height < 0.12;
    mark.classList.toggle("below", isHigh);
    mark.style.top = `${((box.top + (isHigh ? box.height : 0)) / height) * 100}%`;
    return mark;
  });
  const frame = h("span", { class: "tile-photo" }, photo, overlay, marks, ...children);
  frame.style.aspectRatio = `${width} / ${height}`;
  // However high a photo is, a screen shows the whole of it.
  frame.style.maxWidth = `${(60 * width) / height}vh`;
  return frame;
}
