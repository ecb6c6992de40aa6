// @ts-check
// What an answer says, and what a refusal means, in words for people.

import { texts } from "./texts.js";

/** @import { Answer, Refusal } from "./types.d.ts" */

/**
 * @param {Answer} body
 * @returns {string}
 */
export function describeAnswer(body) {
  if (body.skip !== undefined) return texts.answers.skipped(body.skip);
  if (body.approved === false) return texts.answers.rejected(body.reason);
  if (body.approved) return body.annotations ? texts.answers.corrected : texts.answers.approved;
  return texts.answers.boxes(body.annotations.length);
}

/**
 * Why the server did not accept an answer.
 * @param {Refusal} refusal
 */
export function explainRefusal({ status, message }) {
  if (status === 409) return texts.answers.conflict;
  if (status === 404) return texts.answers.gone;
  return message;
}
