// What an answer says, and what a refusal means, in words for people.

import { count } from "./dom.js";

export function describeAnswer(body) {
  if (body.skip) return `skipped: ${body.skip}`;
  if (body.approved === false) return `rejected: ${body.reason}`;
  if (body.approved) return body.annotations ? "corrected and approved" : "approved";
  return body.annotations.length ? count(body.annotations.length, "box", "boxes") : "no defect";
}

/** What it means that the server took an answer for none. */
export function explainRefusal({ status, message }) {
  if (status === 409) return "Somebody else has this image, or its job is done meanwhile; what counts is theirs.";
  if (status === 404) return "The job or the image is not there any more.";
  return message;
}
