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

  constructor(api, store) {
    super();
    this.api = api;
    this.store = store;
    this.tries = 0;
    this.delivered = 0;
    this.hasRoom = true;
    window.addEventListener("online", this.#onOnline);
    window.addEventListener("storage", this.#onStorage);
  }

  #onOnline = () => this.send();
  #onStorage = () => this.#tell(); // another tab saved or sent something

  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    window.removeEventListener("online", this.#onOnline);
    window.removeEventListener("storage", this.#onStorage);
  }

  get waiting() {
    return this.store.answers().filter((entry) => !entry.refused);
  }

  /** Answers that the server will never take, with the reason; a person decides what becomes of them. */
  get refused() {
    return this.store.answers().filter((entry) => entry.refused);
  }

  /** Keep an answer and send it. `name` is shown to people. */
  add({ job_id, task_id, name, body }) {
    const entry = { id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, job_id, task_id, name, body };
    this.hasRoom = this.store.keepAnswer({ ...entry, saved_at: Date.now() });
    if (this.hasRoom) this.store.dropDraft(job_id, task_id);
    this.#tell();
    this.send(this.hasRoom ? [] : [{ ...entry, saved_at: Date.now() }]);
  }

  discard(entry) {
    this.store.dropAnswer(entry);
    this.#tell();
  }

  /** Send what waits; `extra` are answers that the browser had no room for. */
  async send(extra = []) {
    if (this.#stopped) return;
    if (this.#running && !extra.length) {
      this.#again = true;
      return;
    }
    this.#running = true;
    clearTimeout(this.#timer);
    let failed = false;
    const queue = [...extra, ...this.waiting];
    const lane = async () => {
      while (queue.length && !failed) failed = !(await this.#deliver(queue.shift())) || failed;
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    this.#running = false;
    this.tries = failed ? this.tries + 1 : 0;
    this.#tell();
    if (failed) this.#timer = setTimeout(() => this.send(), backoff(this.tries));
    else if (this.#again) {
      this.#again = false;
      this.send();
    }
  }

  /** True when the server has decided about `entry`, one way or the other. */
  async #deliver(entry) {
    try {
      const said = await this.api.answer(entry.job_id, entry.task_id, entry.body);
      this.store.dropAnswer(entry);
      this.delivered += 1;
      this.dispatchEvent(new CustomEvent("delivered", { detail: { entry, remaining: said.remaining } }));
    } catch (error) {
      if (error instanceof SignInError || !(error instanceof ApiError) || error.status === 401) return false;
      const refused = { status: error.status, message: error.message };
      if (this.store.answer(entry.job_id, entry.task_id)?.id === entry.id) this.store.keepAnswer({ ...entry, refused });
      this.dispatchEvent(new CustomEvent("refused", { detail: { ...entry, refused } }));
    }
    this.#tell();
    return true;
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
