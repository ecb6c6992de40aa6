// @ts-check
// The answers that the server did not accept: a person sends each again or discards it.

import { describeAnswer, explainRefusal } from "./answers.js";
import { dialog } from "./dialogs.js";
import { fill, h } from "./dom.js";
import { fileName } from "./format.js";
import { texts } from "./texts.js";

/** @import { RefusedEntry } from "./types.d.ts" */
/** @import { Outbox } from "./outbox.js" */

/** @param {Outbox} outbox */
export function showRefused(outbox) {
  return dialog(texts.answers.refusedTitle, (/** @type {(value: null) => void} */ close) => {
    const list = h("ul", { class: "refused" });
    const show = () => fill(list, outbox.refused.map((entry) => line(entry, discard, sendAgain)));
    const update = () => (outbox.refused.length ? show() : close(null));
    const discard = (/** @type {RefusedEntry} */ entry) => {
      outbox.discard(entry);
      update();
    };
    const sendAgain = (/** @type {RefusedEntry} */ entry) => {
      outbox.discard(entry);
      outbox.add(entry);
      update();
    };
    show();
    return list;
  });
}

/**
 * @param {RefusedEntry} entry
 * @param {(entry: RefusedEntry) => void} discard
 * @param {(entry: RefusedEntry) => void} sendAgain
 */
function line(entry, discard, sendAgain) {
  return h(
    "li",
    {},
    h("strong", {}, fileName(entry.name)),
    h("p", {}, explainRefusal(entry.refused)),
    h("p", { class: "muted" }, texts.answers.yours(describeAnswer(entry.body))),
    h(
      "div",
      { class: "row" },
      h("button", { type: "button", onclick: () => sendAgain(entry) }, texts.answers.sendAgain),
      h("button", { type: "button", onclick: () => discard(entry) }, texts.answers.discard),
    ),
  );
}
