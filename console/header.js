// @ts-check
// The header: the pages, who is signed in, the theme, and what waits to be sent.

import { byId, fill, h } from "./dom.js";
import { showRefused } from "./refused-answers.js";
import { readSetting, writeSetting } from "./settings.js";
import { texts } from "./texts.js";

/** @import { Api } from "./api.js" */
/** @import { Outbox } from "./outbox.js" */

/** @typedef {keyof typeof texts.header.themes} Theme */

const THEMES = /** @type {Theme[]} */ (Object.keys(texts.header.themes));
const PAGES = Object.entries(texts.header.pages);

export class Header {
  #nav = byId("nav");
  #account = byId("account");
  #waiting = byId("waiting");
  #api;
  #signOut;

  /**
   * @param {Api} api
   * @param {() => void} signOut
   */
  constructor(api, signOut) {
    this.#api = api;
    this.#signOut = signOut;
    this.#nav.ariaLabel = texts.header.navigation;
    fill(this.#nav, PAGES.map(([page, text]) => h("a", { href: `#/${page}` }, text)));
    this.#showTheme();
  }

  /**
   * Mark the page that is shown.
   * @param {string | undefined} page
   */
  markPage(page) {
    for (const link of this.#nav.querySelectorAll("a")) {
      if (link.hash === `#/${page || "jobs"}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  /**
   * Say beside a page how much waits there.
   * @param {"jobs" | "attention"} page
   * @param {number} number
   */
  showCount(page, number) {
    const link = [...this.#nav.querySelectorAll("a")].find((each) => each.hash === `#/${page}`);
    if (!link) return;
    const said = h("span", { class: "hidden" }, texts.header.waitsForYou);
    fill(link, texts.header.pages[page], number > 0 && h("span", { class: "count" }, String(number), said));
  }

  showAccount() {
    const { user, isEngineer } = this.#api;
    this.#nav.hidden = !user;
    if (!user) {
      fill(this.#account, this.#themeButton());
      return;
    }
    const role = h("span", { class: "role" }, isEngineer ? texts.header.engineer : "");
    fill(
      this.#account,
      h("span", { class: "user" }, user, role),
      this.#themeButton(),
      h("button", { type: "button", class: "quiet", onclick: this.#signOut }, texts.header.signOut),
    );
  }

  /**
   * What waits to be sent, and what the server did not accept.
   * @param {Outbox | null} outbox null when nobody is signed in
   */
  showOutbox(outbox) {
    const waiting = outbox?.waiting.length ?? 0;
    const refused = outbox?.refused.length ?? 0;
    const isStuck = outbox !== null && waiting > 0 && outbox.tries > 0;
    this.#waiting.classList.toggle("stuck", isStuck);
    const open = { type: "button", class: "danger", onclick: () => outbox && showRefused(outbox) };
    fill(
      this.#waiting,
      waiting > 0 && h("span", {}, texts.header.waiting(waiting)),
      isStuck && h("button", { type: "button", onclick: () => outbox.send() }, texts.header.sendNow),
      refused > 0 && h("button", open, texts.header.refused(refused)),
    );
  }

  /** @returns {Theme} */
  get #theme() {
    const theme = readSetting("theme", "auto");
    return THEMES.find((each) => each === theme) ?? "auto";
  }

  #showTheme() {
    document.documentElement.dataset.theme = this.#theme;
  }

  #themeButton() {
    const label = texts.header.themes[this.#theme];
    const options = { "aria-label": label, title: label, onclick: () => this.#nextTheme() };
    return h("button", { type: "button", class: "quiet icon theme", ...options }, "◐");
  }

  #nextTheme() {
    writeSetting("theme", THEMES[(THEMES.indexOf(this.#theme) + 1) % THEMES.length] ?? "auto");
    this.#showTheme();
    this.showAccount();
    this.#account.querySelector("button")?.focus();
  }
}
