// Sends the answers that the store keeps. An answer counts when the server said so; until then it is kept and sent again,
// later and later. The server counts an answer once however often it is sent.

import { ApiError, SignInError } from "./api.js";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
const AT_ONCE = 4;

/** How long to wait before try number `tries` + 1; `random` in 0..1 keeps many browsers from coming back together. */
export function backoff(tries, random = Math.random()) {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.max(0, tries - 1)) * (0.5 + random / 2);
}

export class Outbox extends EventTarget {
  #running = false;
  #again = false;
  #timer = null;
  #stopped = false;
  #homeless = new Map(); // answers for which the browser had no room: key of the task → entry

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
  #onStorage = ({ key, newValue }) => {
    const entry = newValue && this.store.answerOf(key, newValue);
    if (entry) this.dispatchEvent(new CustomEvent("elsewhere", { detail: entry }));
    this.#tell();
  };

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    window.removeEventListener("online", this.#onOnline);
    window.removeEventListener("storage", this.#onStorage);
  }

  get waiting() {
    return [...this.store.answers(), ...this.#homeless.values()].filter((entry) => !entry.refused);
  }

  /** False while an answer is kept by this page alone: it would be lost with the page. */
  get hasRoom() {
    return this.#homeless.size === 0;
  }

  /** Answers that the server will never take, with the reason; a person decides what becomes of them. */
  get refused() {
    return [...this.store.answers(), ...this.#homeless.values()].filter((entry) => entry.refused);
  }

  /** Keep an answer and send it. `name` is shown to people. */
  add({ job_id, task_id, name, body }) {
    this.#keep({ id: newId(), job_id, task_id, name, body, saved_at: Date.now() });
    this.store.dropDraft(job_id, task_id);
    this.#tell();
    this.send();
  }

  #keep(entry) {
    const key = `${entry.job_id} ${entry.task_id}`;
    if (this.store.keepAnswer(entry)) this.#homeless.delete(key);
    else this.#homeless.set(key, entry);
  }

  #isStillMeant(entry) {
    return this.waiting.some((each) => each.id === entry.id);
  }

  discard(entry) {
    this.store.dropAnswer(entry);
    const key = `${entry.job_id} ${entry.task_id}`;
    if (this.#homeless.get(key)?.id === entry.id) this.#homeless.delete(key);
    this.#tell();
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
      while (queue.length && !failed) failed = !(await this.#deliver(queue.shift())) || failed;
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    this.#running = false;
    this.tries = failed ? this.tries + 1 : 0;
    this.#tell();
    if (failed) this.#timer = setTimeout(() => this.send(), backoff(this.tries));
    else if (this.#again) this.send();
  }

  /** True when the server has decided about `entry`, one way or the other. */
  async #deliver(entry) {
    try {
      const said = await this.api.answer(entry.job_id, entry.task_id, entry.body);
      this.discard(entry);
      this.dispatchEvent(new CustomEvent("delivered", { detail: { entry, remaining: said.remaining } }));
    } catch (error) {
      if (error instanceof SignInError || !(error instanceof ApiError) || error.status === 401) return false;
      const refused = { status: error.status, message: error.message };
      if (this.#isStillMeant(entry)) this.#keep({ ...entry, refused });
      this.dispatchEvent(new CustomEvent("refused", { detail: { ...entry, refused } }));
    }
    this.#tell();
    return true;
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Unlike any other; a page that is not on https has no randomUUID. */
function newId() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");
}
