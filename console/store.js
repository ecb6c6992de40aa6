// @ts-check
// What must survive a reload, a crash or a lost network: drafts and unsent answers, in localStorage. It is written
// before anything is sent, at once and one key for each task, so that two tabs never overwrite each other's work.

/** @import { Draft, DraftBox, Entry } from "./types.d.ts" */
/** @typedef {Pick<Storage, "length" | "key" | "getItem" | "setItem" | "removeItem">} KeyValueStorage */

const PREFIX = "sightline";

/** The drafts and answers of one person in this browser. */
export class Store {
  /**
   * @param {string} user
   * @param {KeyValueStorage} storage
   */
  constructor(user, storage = localStorage) {
    this.user = user;
    this.storage = storage;
  }

  /** @param {string} kind @param {string} job @param {string} task */
  #key(kind, job, task) {
    return [PREFIX, this.user, kind, job, task].map(encodeURIComponent).join(":");
  }

  /** @param {string} key */
  #read(key) {
    return parse(this.storage.getItem(key));
  }

  /** @param {string} kind */
  #start(kind) {
    return [PREFIX, this.user, kind].map(encodeURIComponent).join(":") + ":";
  }

  /** @param {string} job @param {string} task @returns {Draft | null} */
  draft(job, task) {
    return this.#read(this.#key("draft", job, task));
  }

  /**
   * Keep the boxes of an unfinished image. Return false when the browser has no room left.
   * @param {string} job
   * @param {string} task
   * @param {DraftBox[]} boxes
   */
  keepDraft(job, task, boxes) {
    return this.#write(this.#key("draft", job, task), { boxes, kept_at: Date.now() });
  }

  /** @param {string} job @param {string} task */
  dropDraft(job, task) {
    this.storage.removeItem(this.#key("draft", job, task));
  }

  /** Drafts that nobody came back to are forgotten after `days`; answers never are. */
  dropOldDrafts(days = 30, now = Date.now()) {
    for (const key of this.#keys("draft")) {
      if (now - (this.#read(key)?.kept_at ?? 0) > days * 86_400_000) this.storage.removeItem(key);
    }
  }

  /** @param {string} job @param {string} task @returns {Entry | null} */
  answer(job, task) {
    return this.#read(this.#key("answer", job, task));
  }

  /**
   * Keep an answer until it is sent; a later answer for the same task replaces it.
   * @param {Entry} entry
   */
  keepAnswer(entry) {
    return this.#write(this.#key("answer", entry.job_id, entry.task_id), entry);
  }

  /**
   * Forget an answer that was delivered, unless it was replaced meanwhile.
   * @param {Entry} entry
   */
  dropAnswer(entry) {
    const key = this.#key("answer", entry.job_id, entry.task_id);
    if (this.#read(key)?.id === entry.id) this.storage.removeItem(key);
  }

  /**
   * What another tab kept under `key`, when that is an answer of this person.
   * @param {string | null} key
   * @param {string} text
   * @returns {Entry | null}
   */
  answerOf(key, text) {
    const entry = key?.startsWith(this.#start("answer")) ? parse(text) : null;
    return entry?.body ? entry : null;
  }

  /**
   * All unsent answers of this person, oldest first.
   * @returns {Entry[]}
   */
  answers() {
    return this.#keys("answer")
      .map((key) => this.#read(key))
      .filter((entry) => entry?.body)
      .sort((a, b) => a.saved_at - b.saved_at);
  }

  /** @param {string} kind */
  #keys(kind) {
    const start = this.#start(kind);
    return Array.from({ length: this.storage.length }, (_, index) => this.storage.key(index) ?? "").filter((key) =>
      key.startsWith(start),
    );
  }

  /** @param {string} key @param {Draft | Entry} value */
  #write(key, value) {
    try {
      this.storage.setItem(key, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  }
}

/**
 * Who else has unsent answers in this browser, and how many. They are sent when that person signs in again.
 * @param {string | null} user
 * @param {KeyValueStorage} storage
 */
export function waitingForOthers(user, storage = localStorage) {
  /** @type {Record<string, number>} */
  const counts = {};
  for (let index = 0; index < storage.length; index++) {
    const [prefix, name, kind] = (storage.key(index) ?? "").split(":").map(decode);
    if (prefix === PREFIX && name !== undefined && kind === "answer" && name !== user) {
      counts[name] = (counts[name] ?? 0) + 1;
    }
  }
  return counts;
}

/** @param {string | null} text */
function parse(text) {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null; // not ours, or cut off: nothing that could be sent
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
