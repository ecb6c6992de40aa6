// @ts-check
// Commands by keyboard: one list for each view, which is also what the `?` overlay shows.
// The keys of a command are written "Shift+A"; "Mod" is Ctrl, or Cmd on a Mac. `once`: a key that is held does it once,
// because doing it again would answer an image that nobody has seen yet.

import { dialog } from "./dialogs.js";
import { h } from "./dom.js";
import { texts } from "./texts.js";

/** @import { Command } from "./types.d.ts" */

const IS_MAC = /Mac|iPhone|iPad/.test(navigator.platform);
/** @type {Record<string, string>} */
const SHOWN = {
  ...texts.keys.names,
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Mod: IS_MAC ? "⌘" : "Ctrl",
};

/**
 * "Shift+A" for a key event; Shift counts for letters and named keys, not for characters that it makes.
 * @param {KeyboardEvent} event
 */
export function keyOf(event) {
  const isLetter = /^\p{L}$/u.test(event.key);
  const isNamed = event.key.length > 1 || event.key === " ";
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("Mod");
  if (event.altKey) parts.push("Alt");
  if (event.shiftKey && (isLetter || isNamed)) parts.push("Shift");
  parts.push(isLetter ? event.key.toUpperCase() : event.key);
  return parts.join("+");
}

/**
 * Does the element under the keys need this one itself?
 * @param {KeyboardEvent} event
 */
function isTaken(event) {
  const { target, key } = event;
  if (!(target instanceof Element)) return false;
  if (target.closest("dialog")) return true;
  if (target.closest("textarea, select, input:not([type=range]):not([type=checkbox])")) return key !== "Escape";
  if (target.closest("input[type=range]")) return key.startsWith("Arrow") || key.startsWith("Page");
  if (target.closest("button, a, summary, input[type=checkbox]")) return key === "Enter" || key === " ";
  return false;
}

export class Keys {
  /** @type {Command[]} */
  #commands = [];

  constructor() {
    document.addEventListener("keydown", this.#onKey);
  }

  /**
   * Take `commands` in place of those before; the view that is shown calls this.
   * @param {Command[]} commands
   */
  use(commands) {
    this.#commands = commands;
  }

  #onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.defaultPrevented || event.isComposing || isTaken(event)) return;
    const key = keyOf(event);
    if (key === "?") {
      event.preventDefault();
      this.show();
      return;
    }
    for (const command of this.#commands) {
      if (!command.keys.includes(key) || command.when?.(event) === false) continue;
      event.preventDefault();
      if (!(command.once && event.repeat)) command.run(event);
      return;
    }
  };

  /** The overlay with all keys of this view. */
  show() {
    if (document.querySelector("dialog[open]")) return;
    /** @type {Map<string, [string[], string][]>} */
    const groups = new Map();
    for (const { hidden, group = "", show, keys, text = "" } of this.#commands) {
      if (!hidden) groups.set(group, [...(groups.get(group) ?? []), [show ?? keys, text]]);
    }
    groups.set(texts.keys.everywhere, [[["?"], texts.keys.overview]]);
    const sections = [...groups].map(([group, lines]) =>
      h("section", {}, h("h3", {}, group), h("dl", {}, lines.map(([keys, text]) => line(keys, text)))),
    );
    dialog(texts.keys.title, () => h("div", { class: "keys", tabindex: 0, autofocus: true }, sections), { wide: true });
  }
}

/** @param {string[]} keys @param {string} text */
function line(keys, text) {
  return h("div", {}, h("dt", {}, keys.map(shown)), h("dd", {}, text));
}

/**
 * A key combination as <kbd> elements.
 * @param {string} keys
 */
function shown(keys) {
  const parts = keys === "+" ? ["+"] : keys.split(/\+(?=.)/);
  return h("span", { class: "combo" }, parts.map((part) => h("kbd", {}, SHOWN[part] ?? part)));
}
