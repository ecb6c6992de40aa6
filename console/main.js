// The page: who is signed in, which view is shown, and what waits to be sent.

import { describeAnswer, explainRefusal } from "./answers.js";
import { Api } from "./api.js";
import { AttentionView } from "./attention.js";
import { confirm, count, dialog, fileName, fill, h, say } from "./dom.js";
import { JobsView, JobView } from "./jobs.js";
import { Keys } from "./keys.js";
import { LabellingView } from "./labelling.js";
import { Outbox } from "./outbox.js";
import { OverviewView } from "./overview.js";
import { signInAgain, SignInView } from "./signin.js";
import { settings, Store } from "./store.js";
import { VerificationView } from "./verification.js";

const LEAVE_MS = 2_000;
const THEMES = { auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" };

class App {
  #view = null;
  #visit = 0;

  constructor() {
    // This file lies in console/, the API one level up; both under whatever prefix the stage has.
    this.api = new Api(new URL("..", import.meta.url));
    this.keys = new Keys();
    this.main = document.getElementById("main");
    this.nav = document.getElementById("nav");
    this.account = document.getElementById("account");
    this.waiting = document.getElementById("waiting");
    this.#showTheme();
    this.api.addEventListener("expired", async () => {
      if (!(await signInAgain(this.api, this.api.user))) return;
      this.outbox?.send();
      if (this.#view instanceof ProblemView) this.route();
    });
    window.addEventListener("hashchange", () => this.route());
    window.addEventListener("online", () => this.#view instanceof ProblemView && this.route());
    // What was loaded ahead goes back to the others at once. The photo at hand stays: most who leave load the page again.
    window.addEventListener("pagehide", () => this.#view?.close({ comesBack: true }));
    window.addEventListener("pageshow", (event) => event.persisted && this.route());
    document.querySelector(".skip-link").addEventListener("click", (event) => {
      event.preventDefault(); // the address says which view is shown
      this.main.focus();
    });
    window.addEventListener("beforeunload", (event) => {
      // Everything is kept in the browser; only what found no room there would be lost.
      if (this.outbox && !this.outbox.hasRoom) event.preventDefault();
    });
    if (this.api.user) this.signedIn();
    else this.route();
  }

  signedIn() {
    this.outbox?.stop();
    this.store = new Store(this.api.user);
    this.store.dropOldDrafts();
    this.outbox = new Outbox(this.api, this.store);
    this.outbox.addEventListener("change", () => this.#showWaiting());
    this.outbox.addEventListener("refused", (event) => this.#onRefused(event.detail));
    this.#showAccount();
    this.#showWaiting();
    this.outbox.send();
    this.route();
  }

  async signOut() {
    const unsent = this.outbox.waiting.length;
    const text = `${count(unsent, "answer")} of yours ${unsent === 1 ? "is" : "are"} not sent yet. They stay in this browser and are sent when you sign in again.`;
    if (unsent && !(await confirm("Sign out?", text, "Sign out"))) return;
    // Before: what was loaded ahead is given back in this person's name. Nobody waits long for a server that is away.
    await Promise.race([this.#close(), new Promise((resolve) => setTimeout(resolve, LEAVE_MS))]);
    this.outbox.stop();
    this.outbox = null;
    this.api.signOut();
    location.hash = "#/jobs";
    this.#showAccount();
    this.#showWaiting();
    this.route();
  }

  /** Show the view that the address names. */
  async route() {
    const visit = ++this.#visit;
    const parts = location.hash.replace(/^#\/?/, "").split("/").map(decode);
    this.#close();
    let view;
    try {
      view = await this.#make(parts);
    } catch (error) {
      view = new ProblemView(error.message, () => this.route());
    }
    if (visit !== this.#visit) {
      view.close();
      return;
    }
    this.#view = view;
    fill(this.main, view.element);
    this.keys.use(view.commands());
    document.title = `${view.title} · Sightline`;
    document.body.classList.toggle("working", parts[2] === "work");
    this.#markNav(parts[0]);
    if (view instanceof SignInView) this.main.querySelector("[autofocus]")?.focus();
    else (this.main.querySelector(".stage") ?? this.main).focus({ preventScroll: true });
  }

  #close() {
    const left = this.#view?.close();
    this.#view = null;
    this.keys.use([]);
    return left;
  }

  async #make([page, jobId, part]) {
    if (!this.api.user) return new SignInView(this);
    if (page === "overview") return new OverviewView(this);
    if (page === "attention") return new AttentionView(this);
    if (page === "jobs" && jobId && part === "work") {
      const job = (await this.api.jobs()).find((each) => each.job_id === jobId);
      if (!job) return new ProblemView("This job is done, or was taken back. The list shows what is open.", () => this.route());
      return job.kind === "labeling" ? new LabellingView(this, job) : new VerificationView(this, job);
    }
    if (page === "jobs" && jobId) return new JobView(this, jobId);
    return new JobsView(this);
  }

  // ------------------------------------------------------------------------------------------------------------- header
  #markNav(page) {
    for (const link of this.nav.querySelectorAll("a")) {
      const isHere = link.hash === `#/${page || "jobs"}`;
      if (isHere) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  #showAccount() {
    this.nav.hidden = !this.api.user;
    if (!this.api.user) {
      fill(this.account, this.#themeButton());
      return;
    }
    const role = this.api.isEngineer ? " (engineer)" : "";
    fill(
      this.account,
      h("span", { class: "user" }, this.api.user, h("span", { class: "role" }, role)),
      this.#themeButton(),
      h("button", { type: "button", class: "quiet", onclick: () => this.signOut() }, "Sign out"),
    );
  }

  #themeButton() {
    const next = () => {
      const names = Object.keys(THEMES);
      settings.write("theme", names[(names.indexOf(settings.read("theme", "auto")) + 1) % names.length]);
      this.#showTheme();
      this.#showAccount();
      this.account.querySelector(".theme").focus();
    };
    const label = THEMES[settings.read("theme", "auto")] ?? THEMES.auto;
    return h("button", { type: "button", class: "quiet icon theme", "aria-label": label, title: label, onclick: next }, "◐");
  }

  #showTheme() {
    const theme = settings.read("theme", "auto");
    document.documentElement.dataset.theme = theme in THEMES ? theme : "auto";
  }

  #showWaiting() {
    const waiting = this.outbox?.waiting.length ?? 0;
    const refused = this.outbox?.refused.length ?? 0;
    const isStuck = waiting > 0 && this.outbox.tries > 0;
    this.waiting.classList.toggle("stuck", isStuck);
    const show = () => this.#showRefused();
    fill(
      this.waiting,
      waiting > 0 && h("span", {}, `${count(waiting, "answer")} waiting to be sent`),
      isStuck && h("button", { type: "button", onclick: () => this.outbox.send() }, "Send now"),
      refused > 0 && h("button", { type: "button", class: "danger", onclick: show }, `${count(refused, "answer")} not taken`),
    );
  }

  // ------------------------------------------------------------------------------------------------------------ refused
  #onRefused(entry) {
    say(`${fileName(entry.name)}: your answer was not taken. ${explainRefusal(entry.refused)}`, "bad");
    this.#showWaiting();
  }

  #showRefused() {
    const list = () =>
      this.outbox.refused.map((entry) =>
        h(
          "li",
          {},
          h("strong", {}, fileName(entry.name)),
          h("p", {}, explainRefusal(entry.refused)),
          h("p", { class: "muted" }, `Your answer: ${describeAnswer(entry.body)}.`),
          h(
            "div",
            { class: "row" },
            h("button", { type: "button", onclick: () => retry(entry) }, "Send once more"),
            h("button", { type: "button", onclick: () => discard(entry) }, "Discard"),
          ),
        ),
      );
    let items;
    let closeAll;
    const update = () => {
      if (this.outbox.refused.length) fill(items, list());
      else closeAll();
    };
    const discard = (entry) => {
      this.outbox.discard(entry);
      update();
    };
    const retry = (entry) => {
      this.outbox.discard(entry);
      this.outbox.add(entry);
      update();
    };
    dialog("Answers that were not taken", (close) => {
      closeAll = () => close(null);
      items = h("ul", { class: "refused" });
      fill(items, list());
      return items;
    });
  }
}

class ProblemView {
  title = "Problem";

  constructor(message, again) {
    this.element = h(
      "div",
      { class: "page narrow" },
      h("div", { class: "empty-state" }, h("p", { role: "alert" }, message), h("div", { class: "row" }, h("button", { type: "button", class: "primary", onclick: again }, "Try again"), h("a", { class: "button", href: "#/jobs" }, "To the jobs"))),
    );
  }

  close() {}

  commands() {
    return [];
  }
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

new App();
