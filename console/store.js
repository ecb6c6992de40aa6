// What must survive a reload, a crash or a lost network: drafts and unsent answers, in localStorage. It is written before
// anything is sent, at once and one key for each task, so that two tabs never overwrite each other's work.

const PREFIX = "sightline";

/** The drafts and answers of one person in this browser. `storage` is localStorage, or anything like it. */
export class Store {
  constructor(user, storage = localStorage) {
    this.user = user;
    this.storage = storage;
  }

  #key(kind, job, task) {
    return [PREFIX, this.user, kind, job, task].map(encodeURIComponent).join(":");
  }

  #read(key) {
    return parse(this.storage.getItem(key));
  }

  #start(kind) {
    return [PREFIX, this.user, kind].map(encodeURIComponent).join(":") + ":";
  }

  draft(job, task) {
    return this.#read(this.#key("draft", job, task));
  }

  /** Keep the boxes of an unfinished image. Answers false when the browser has no room left. */
  keepDraft(job, task, boxes) {
    return this.#write(this.#key("draft", job, task), { boxes, kept_at: Date.now() });
  }

  dropDraft(job, task) {
    this.storage.removeItem(this.#key("draft", job, task));
  }

  /** Drafts that nobody came back to are forgotten after `days`; answers never are. */
  dropOldDrafts(days = 30, now = Date.now()) {
    for (const key of this.#keys("draft")) {
      if (now - (this.#read(key)?.kept_at ?? 0) > days * 86_400_000) this.storage.removeItem(key);
    }
  }

  answer(job, task) {
    return this.#read(this.#key("answer", job, task));
  }

  /** Keep an answer until it is sent; a later answer for the same task replaces it. */
  keepAnswer(entry) {
    return this.#write(this.#key("answer", entry.job_id, entry.task_id), entry);
  }

  /** Forget an answer that was delivered, unless it was replaced meanwhile. */
  dropAnswer(entry) {
    const key = this.#key("answer", entry.job_id, entry.task_id);
    if (this.#read(key)?.id === entry.id) this.storage.removeItem(key);
  }

  /** What another tab kept under `key`, when that is an answer of this person. */
  answerOf(key, text) {
    const entry = key?.startsWith(this.#start("answer")) ? parse(text) : null;
    return entry?.body ? entry : null;
  }

  /** All unsent answers of this person, oldest first. */
  answers() {
    return this.#keys("answer")
      .map((key) => this.#read(key))
      .filter((entry) => entry?.body)
      .sort((a, b) => a.saved_at - b.saved_at);
  }

  #keys(kind) {
    const start = this.#start(kind);
    return Array.from({ length: this.storage.length }, (_, index) => this.storage.key(index)).filter((key) =>
      key.startsWith(start),
    );
  }

  #write(key, value) {
    try {
      this.storage.setItem(key, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  }
}

/** Who else has unsent answers in this browser: {name: how many}. They are sent when that person signs in again. */
export function waitingForOthers(user, storage = localStorage) {
  const counts = {};
  for (let index = 0; index < storage.length; index++) {
    const [prefix, name, kind] = storage.key(index).split(":").map(decode);
    if (prefix === PREFIX && kind === "answer" && name !== user) counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // not ours, or cut off: nothing that could be sent
  }
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A choice of this browser that is no work: theme, contrast, …; gone without harm. */
export const settings = {
  read(name, fallback) {
    try {
      return JSON.parse(localStorage.getItem(`${PREFIX}-${name}`)) ?? fallback;
    } catch {
      return fallback;
    }
  },
  write(name, value) {
    try {
      localStorage.setItem(`${PREFIX}-${name}`, JSON.stringify(value));
    } catch {
      // a full or closed storage only means the default next time
    }
  },
};
