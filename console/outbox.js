// @ts-check
// Sends the answers that the store keeps. An answer counts when the server said so; until then it is kept and sent
// again, later and later. The server counts an answer once however often it is sent.

import { ApiError, SignInError } from "./api.js";
import { Emitter } from "./emitter.js";

/** @import { Entry, NewEntry, RefusedEntry, SavedAnswer } from "./types.d.ts" */
/** @import { Api } from "./api.js" */
/** @import { Store } from "./store.js" */

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
const AT_ONCE = 4;

/**
 * Milliseconds to wait before try number `tries` + 1; `random` in 0..1 keeps many browsers from coming back together.
 * @param {number} tries
 */
export function backoff(tries, random = Math.random()) {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.max(0, tries - 1)) * (0.5 + random / 2);
}

/**
 * "elsewhere": another tab saved an answer.
 * @extends {Emitter<{
 *   change: undefined, elsewhere: Entry, refused: RefusedEntry, delivered: { entry: Entry } & Partial<SavedAnswer>
 * }>}
 */
export class Outbox extends Emitter {
  #running = false;
  #again = false;
  /** @type {number | undefined} */
  #timer;
  #stopped = false;
  /** @type {Map<string, Entry>} answers for which the browser had no room, by task */
  #homeless = new Map();

  /**
   * @param {Pick<Api, "answer">} api
   * @param {Store} store
   */
  constructor(api, store) {
    super();
    this.api = api;
    this.store = store;
    this.tries = 0;
    window.addEventListener("online", this.#onOnline);
    window.addEventListener("storage", this.#onStorage);
  }

  #onOnline = () => this.send();
  /** Another tab saved or sent something. */
  #onStorage = (/** @type {StorageEvent} */ { key, newValue }) => {
    const entry = newValue && this.store.answerOf(key, newValue);
    if (entry) this.emit("elsewhere", entry);
    this.emit("change");
  };

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    window.removeEventListener("online", this.#onOnline);
    window.removeEventListener("storage", this.#onStorage);
  }

  get #all() {
    return [...this.store.answers(), ...this.#homeless.values()];
  }

  get waiting() {
    return this.#all.filter((entry) => !entry.refused);
  }

  /** Answers that the server will never take, with the reason; a person decides what happens to them. */
  get refused() {
    return this.#all.filter(isRefused);
  }

  /** False while an answer is kept by this page alone: it would be lost with the page. */
  get hasRoom() {
    return this.#homeless.size === 0;
  }

  /**
   * Keep an answer and send it.
   * @param {NewEntry} entry
   */
  add({ job_id, task_id, name, body }) {
    this.#keep({ id: newId(), job_id, task_id, name, body, saved_at: Date.now() });
    this.store.dropDraft(job_id, task_id);
    this.emit("change");
    this.send();
  }

  /** @param {Entry} entry */
  #keep(entry) {
    if (this.store.keepAnswer(entry)) this.#homeless.delete(taskOf(entry));
    else this.#homeless.set(taskOf(entry), entry);
  }

  /** @param {Entry} entry */
  #isStillMeant(entry) {
    return this.waiting.some((each) => each.id === entry.id);
  }

  /** @param {Entry} entry */
  discard(entry) {
    this.store.dropAnswer(entry);
    if (this.#homeless.get(taskOf(entry))?.id === entry.id) this.#homeless.delete(taskOf(entry));
    this.emit("change");
  }

  async send() {
    if (this.#stopped) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    this.#again = false;
    clearTimeout(this.#timer);
    let failed = false;
    const queue = this.waiting;
    const lane = async () => {
      for (let entry; !failed && (entry = queue.shift()); ) failed = !(await this.#deliver(entry)) || failed;
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    this.#running = false;
    this.tries = failed ? this.tries + 1 : 0;
    this.emit("change");
    if (failed) this.#timer = setTimeout(() => this.send(), backoff(this.tries));
    else if (this.#again) this.send();
  }

  /**
   * Return true when the server has decided about `entry`, one way or the other.
   * @param {Entry} entry
   */
  async #deliver(entry) {
    try {
      const { remaining } = await this.api.answer(entry.job_id, entry.task_id, entry.body);
      this.discard(entry);
      this.emit("delivered", { entry, remaining });
    } catch (error) {
      if (error instanceof SignInError || !(error instanceof ApiError) || error.status === 401) return false;
      const refused = { ...entry, refused: { status: error.status, message: error.message } };
      if (this.#isStillMeant(entry)) this.#keep(refused);
      this.emit("refused", refused);
    }
    this.emit("change");
    return true;
  }
}

/** @param {Entry} entry */
function taskOf(entry) {
  return `${entry.job_id} ${entry.task_id}`;
}

/**
 * @param {Entry} entry
 * @returns {entry is RefusedEntry}
 */
function isRefused(entry) {
  return entry.refused !== undefined;
}

/** Unlike any other; a page that is not on https has no randomUUID. */
function newId() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");
}
