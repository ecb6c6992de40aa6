// Commands by keyboard: one table for each view, which is also what the `?` overlay shows.
// A command is {keys: ["Shift+A", …], text, group, run, when?, hidden?, once?}. "Mod" is Ctrl, or Cmd on a Mac. `once`: a key that is
// held does it once, because doing it again would answer an image that nobody has seen yet.

import { dialog, h } from "./dom.js";

const IS_MAC = /Mac|iPhone|iPad/.test(navigator.platform ?? "");
const SHOWN = {
  " ": "Space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", Delete: "Del", Enter: "Enter",
  PageUp: "Page ↑", PageDown: "Page ↓", Mod: IS_MAC ? "⌘" : "Ctrl",
};

/** "Shift+A" for a key event; Shift counts for letters and named keys, not for characters that it makes. */
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

/** Does the element under the keys need this one itself? */
function isTaken(event) {
  const { target } = event;
  if (target.closest("dialog")) return true;
  if (target.closest("textarea, select, input:not([type=range]):not([type=checkbox])")) return event.key !== "Escape";
  if (target.closest("input[type=range]")) return event.key.startsWith("Arrow") || event.key.startsWith("Page");
  if (target.closest("button, a, summary, input[type=checkbox]")) return event.key === "Enter" || event.key === " ";
  return false;
}

export class Keys {
  #commands = [];

  constructor() {
    document.addEventListener("keydown", this.#onKey);
  }

  /** Take `commands` in place of those before; the view that is shown calls this. */
  use(commands) {
    this.#commands = commands;
  }

  #onKey = (event) => {
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
    const groups = new Map();
    for (const command of this.#commands) {
      if (!command.hidden) groups.set(command.group, [...(groups.get(command.group) ?? []), command]);
    }
    dialog(
      "Keyboard",
      () =>
        h(
          "div",
          { class: "keys", tabindex: 0, autofocus: true },
          [...groups].map(([group, commands]) =>
            h(
              "section",
              {},
              h("h3", {}, group),
              h(
                "dl",
                {},
                commands.map((command) =>
                  h("div", {}, h("dt", {}, (command.show ?? command.keys).map(shown)), h("dd", {}, command.text)),
                ),
              ),
            ),
          ),
          h("section", {}, h("h3", {}, "Everywhere"), h("dl", {}, h("div", {}, h("dt", {}, shown("?")), h("dd", {}, "This overview")))),
        ),
      { wide: true },
    );
  }
}

/** A key combination as <kbd> elements. */
export function shown(keys) {
  const parts = keys === "+" ? ["+"] : keys.split(/\+(?=.)/);
  return h("span", { class: "combo" }, parts.map((part) => h("kbd", {}, SHOWN[part] ?? part)));
}
