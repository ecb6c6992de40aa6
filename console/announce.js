// @ts-check
// Tells people what happened: by a message that goes away by itself, and to screen readers.

import { byId, h } from "./dom.js";

const SHOWN_MS = 4_000;
const PROBLEM_SHOWN_MS = 9_000;
const MOST = 3; // messages at once

/**
 * Tell it to a screen reader, and show it for a moment.
 * @param {string} text
 * @param {"info" | "good" | "bad"} kind
 */
export function say(text, kind = "info") {
  tell(kind === "bad" ? "alerts" : "messages", text);
  const toasts = byId("toasts");
  const toast = h("div", { class: `toast ${kind}` }, text);
  toasts.append(toast);
  while (toasts.children.length > MOST) toasts.firstChild?.remove();
  setTimeout(() => toast.remove(), kind === "bad" ? PROBLEM_SHOWN_MS : SHOWN_MS);
}

/**
 * Take away what was said of the photo or the view before; problems stay until they were read.
 */
export function hush() {
  for (const toast of document.querySelectorAll("#toasts .toast:not(.bad)")) toast.remove();
}

/**
 * Tell it to a screen reader only.
 * @param {string} text
 */
export function whisper(text) {
  tell("messages", text);
}

/** An error as a message. @param {unknown} error */
export function sayError(error) {
  say(messageOf(error), "bad");
}

/** @param {unknown} error */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * @param {string} id
 * @param {string} text
 */
function tell(id, text) {
  const live = byId(id);
  live.textContent = "";
  requestAnimationFrame(() => {
    live.textContent = text;
  });
}
