// @ts-check
// What is said in place of a photo when there is none to work on.

import { messageOf } from "./announce.js";
import { ApiError } from "./api.js";
import { h } from "./dom.js";
import { texts } from "./texts.js";

/** @import { Child } from "./types.d.ts" */

/**
 * @typedef {object} Situation
 * @property {boolean} isFilling images are being asked for
 * @property {unknown} failure why the last request failed; null when it did not
 * @property {boolean} hasAnsweredAll this person has, where several people answer each image
 * @property {boolean} isWithdrawn the job has ended before all was answered
 * @property {number} unsent answers of this job that wait to be sent
 * @property {number} left images that nobody has answered
 */

/**
 * @param {Situation} situation
 * @param {() => void} tryAgain
 * @returns {Child[]}
 */
export function explainNoImage({ isFilling, failure, hasAnsweredAll, isWithdrawn, unsent, left }, tryAgain) {
  const kept = unsent ? texts.work.unsent(unsent) : "";
  const back = h("a", { class: "button", href: "#/jobs" }, texts.general.backToJobs);
  if (isFilling && !failure) return [texts.work.asking];
  if (failure instanceof ApiError) return [h("p", {}, messageOf(failure)), back];
  if (failure) {
    const button = h("button", { type: "button", onclick: tryAgain }, texts.work.tryNow);
    return [paragraph(texts.work.noConnection, kept, texts.work.moreWhenBack), button];
  }
  if (isWithdrawn) return [paragraph(texts.work.withdrawn, texts.work.withdrawnWhy), back];
  if (hasAnsweredAll) return [paragraph(texts.work.youAnsweredAll, texts.work.othersStillDo, kept), back];
  if (unsent) return [h("p", {}, kept)]; // whether something is left, the server will say when it has them
  if (left) return [paragraph(texts.work.othersHaveRest, texts.work.comesByItself), back];
  return [paragraph(texts.work.allDone, texts.work.noImageLeft), back];
}

/**
 * @param {string} strong
 * @param {string[]} rest
 */
function paragraph(strong, ...rest) {
  return h("p", {}, h("strong", {}, strong), ...rest);
}
