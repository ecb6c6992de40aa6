// @ts-check
// Starts the page: who is signed in, and which view the address names.

import { hush, messageOf, say } from "./announce.js";
import { explainRefusal } from "./answers.js";
import { Api } from "./api.js";
import { AttentionView } from "./attention.js";
import { confirm } from "./dialogs.js";
import { byId, fill } from "./dom.js";
import { fileName } from "./format.js";
import { Header } from "./header.js";
import { JobsView, JobView } from "./jobs.js";
import { Keys } from "./keys.js";
import { LabellingView } from "./labelling.js";
import { tasksWaiting } from "./needs.js";
import { Outbox } from "./outbox.js";
import { OverviewView } from "./overview.js";
import { NoSuchPageView, ProblemView } from "./problem.js";
import { signInAgain, SignInView } from "./sign-in.js";
import { Store } from "./store.js";
import { texts } from "./texts.js";
import { VerificationView } from "./verification.js";

/** @import { Context, RefusedEntry, View } from "./types.d.ts" */

const LEAVE_MS = 2_000;
const COUNT_MS = 30_000;
/** @type {Record<string, new (context: Context) => View>} */
const VIEWS = { "": JobsView, jobs: JobsView, overview: OverviewView, attention: AttentionView };

class App {
  /** @type {View | null} */
  #view = null;
  #visit = 0;
  #counted = 0;
  /** @type {Context | null} of the person who is signed in */
  #context = null;
  #main = byId("main");
  // This file lies in console/, the API one level up; both under whatever prefix the stage has.
  #api = new Api(new URL("..", import.meta.url));
  #keys = new Keys();
  #header = new Header(this.#api, () => this.signOut());

  constructor() {
    this.#listen();
    if (this.#api.user) this.signedIn();
    else {
      this.#header.showAccount();
      this.route();
    }
  }

  #listen() {
    this.#api.on("expired", () => this.#signInAgain());
    window.addEventListener("hashchange", () => this.route());
    window.addEventListener("online", () => this.#view instanceof ProblemView && this.route());
    // What was loaded ahead goes back to the others at once. The photo at hand stays: most who leave load the page
    // again.
    window.addEventListener("pagehide", () => this.#view?.close({ comesBack: true }));
    window.addEventListener("pageshow", (event) => event.persisted && this.route());
    const skip = byId("skip");
    skip.textContent = texts.header.skip;
    skip.addEventListener("click", (event) => {
      event.preventDefault(); // the address says which view is shown
      this.#main.focus();
    });
    window.addEventListener("beforeunload", (event) => {
      // Everything is kept in the browser; only what found no room there would be lost.
      if (this.#context && !this.#context.outbox.hasRoom) event.preventDefault();
    });
  }

  async #signInAgain() {
    if (!(await signInAgain(this.#api, this.#api.user))) return;
    this.#context?.outbox.send();
    if (this.#view instanceof ProblemView) this.route();
  }

  signedIn() {
    this.#context?.outbox.stop();
    const store = new Store(this.#api.user ?? "");
    store.dropOldDrafts();
    const outbox = new Outbox(this.#api, store);
    outbox.on("change", () => this.#header.showOutbox(outbox));
    outbox.on("refused", (entry) => this.#onRefused(entry, outbox));
    const count = this.#header.showCount.bind(this.#header);
    this.#context = { api: this.#api, keys: this.#keys, store, outbox, count };
    this.#counted = 0;
    this.#header.showAccount();
    this.#header.showOutbox(outbox);
    outbox.send();
    this.route();
  }

  async signOut() {
    const outbox = this.#context?.outbox;
    const unsent = outbox?.waiting.length ?? 0;
    const { confirmSignOut, unsentAtSignOut, signOut } = texts.header;
    if (unsent && !(await confirm(confirmSignOut, unsentAtSignOut(unsent), signOut))) return;
    // Before: what was loaded ahead is given back in this person's name. Nobody waits long for a server that is away.
    await Promise.race([this.#close(), new Promise((resolve) => setTimeout(resolve, LEAVE_MS))]);
    outbox?.stop();
    this.#context = null;
    this.#api.signOut();
    location.hash = "#/jobs";
    this.#header.showAccount();
    this.#header.showOutbox(null);
    this.route();
  }

  /**
   * @param {RefusedEntry} entry
   * @param {Outbox} outbox
   */
  #onRefused({ name, refused }, outbox) {
    say(texts.answers.refused(fileName(name), explainRefusal(refused)), "bad");
    this.#header.showOutbox(outbox);
  }

  /** Show the view that the address names. */
  async route() {
    const visit = ++this.#visit;
    const parts = location.hash.replace(/^#\/?|\/$/g, "").split("/").map(decode);
    this.#close();
    hush();
    let view;
    try {
      view = await this.#make(parts);
    } catch (error) {
      view = this.#problem(messageOf(error));
    }
    if (visit !== this.#visit) {
      view.close();
      return;
    }
    this.#view = view;
    fill(this.#main, view.element);
    this.#keys.use(view.commands());
    document.title = texts.header.documentTitle(view.title);
    document.body.classList.toggle("working", parts[2] === "work");
    this.#header.markPage(parts[0]);
    this.#count();
    this.#focus(view);
  }

  /** Look at most every half minute how much waits on each page; what the views find is shown at once. */
  async #count() {
    const context = this.#context;
    if (!context || Date.now() - this.#counted < COUNT_MS) return;
    this.#counted = Date.now();
    const [found, images] = await Promise.all([context.api.jobs(), context.api.attention()]).catch(() => []);
    if (!found || !images) return; // the view says what is wrong
    context.count("jobs", tasksWaiting(found.jobs));
    context.count("attention", images.length);
  }

  /** @param {View} view */
  #focus(view) {
    const wanted = view instanceof SignInView ? "[autofocus]" : ".stage";
    /** @type {HTMLElement | null} */
    const found = this.#main.querySelector(wanted);
    if (view instanceof SignInView) found?.focus();
    else (found ?? this.#main).focus({ preventScroll: true });
  }

  #close() {
    const left = this.#view?.close();
    this.#view = null;
    this.#keys.use([]);
    return left;
  }

  /** @param {string} message */
  #problem(message) {
    return new ProblemView(message, () => this.route());
  }

  /**
   * @param {string[]} address
   * @returns {Promise<View>}
   */
  async #make(address) {
    const context = this.#context;
    if (!context) return new SignInView(this.#api, () => this.signedIn());
    const [page = "", job = "", part] = address;
    const Known = address.length === 1 && Object.hasOwn(VIEWS, page) && VIEWS[page];
    if (Known) return new Known(context);
    if (page === "jobs" && address.length === 2) return new JobView(context, job);
    if (page === "jobs" && part === "work" && address.length === 3) return this.#makeWork(context, job);
    return new NoSuchPageView(location.hash);
  }

  /**
   * @param {Context} context
   * @param {string} jobId
   * @returns {Promise<View>}
   */
  async #makeWork(context, jobId) {
    const job = (await context.api.jobs()).jobs.find((each) => each.job_id === jobId);
    if (!job) return this.#problem(texts.job.gone);
    return job.kind === "labeling" ? new LabellingView(context, job) : new VerificationView(context, job);
  }
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

new App();
