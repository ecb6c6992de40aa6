// @ts-check
// The HTTP API, and who is signed in. Errors come in three kinds: ApiError (the server refused), NetworkError (nobody
// answered, or the server failed: try again) and SignInError (the session is over).

import { Emitter } from "./emitter.js";
import { texts } from "./texts.js";

/** @import { Answer, AnsweredTask, AttentionAction, AttentionImage, Challenge } from "./types.d.ts" */
/** @import { JobProgress, Jobs, Overview, SavedAnswer, Session, SignedIn, Task, Workflow } from "./types.d.ts" */

const TIMEOUT_MS = 20_000;
const RENEW_BEFORE_MS = 120_000;
const KEY = "sightline:session"; // in sessionStorage: a reload stays signed in, closing the tab signs out

export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {Record<string, string>} body
   */
  constructor(status, message, body = {}) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

export class NetworkError extends Error {}

export class SignInError extends Error {}

/** @extends {Emitter<{ expired: undefined }>} "expired": the person has to sign in again */
export class Api extends Emitter {
  #base;
  /** @type {Promise<SignedIn> | null} */
  #renewal = null;

  /**
   * @param {URL} base where the API lives; everything is called below it
   */
  constructor(base) {
    super();
    this.#base = base;
    this.session = readSession();
  }

  get user() {
    return this.session?.username ?? null;
  }

  get isEngineer() {
    return this.session?.groups.includes("engineers") ?? false;
  }

  /**
   * Sign in. Return null, or a challenge when the person has to choose a new password first.
   * @param {string} username
   * @param {string} password
   */
  async signIn(username, password) {
    return this.#open({ username, password });
  }

  /**
   * @param {Challenge} challenge
   * @param {string} newPassword
   */
  async choosePassword(challenge, newPassword) {
    return this.#open({ username: challenge.username, session: challenge.session, new_password: newPassword });
  }

  /** Forget who is signed in, and let the server end the session. Nobody waits for a server that is away. */
  async signOut() {
    const token = this.session?.refresh_token;
    this.session = null;
    sessionStorage.removeItem(KEY);
    if (token) await this.#fetch("DELETE", "session", { refresh_token: token }, null).catch(() => {});
  }

  /**
   * @param {{ username: string, password: string } | { username: string, session: string, new_password: string }} body
   * @returns {Promise<Challenge | null>}
   */
  async #open(body) {
    try {
      this.#keep(await this.#fetch("POST", "session", body, null));
    } catch (error) {
      if (error instanceof ApiError && error.status === 409 && error.body.challenge === "NEW_PASSWORD_REQUIRED") {
        return { username: body.username, session: error.body.session ?? "" };
      }
      throw error;
    }
    return null;
  }

  /** @param {SignedIn} answer */
  #keep(answer) {
    this.session = {
      username: answer.username,
      groups: answer.groups,
      id_token: answer.id_token,
      refresh_token: answer.refresh_token ?? this.session?.refresh_token,
      expires_at: Date.now() + answer.expires_in * 1000,
    };
    sessionStorage.setItem(KEY, JSON.stringify(this.session));
  }

  /**
   * Ask for a new token; several requests at once wait for the same one.
   * @returns {Promise<string>} the token
   */
  async #renew() {
    const { refresh_token: token, username } = this.session ?? {};
    if (!token || !username) throw new SignInError(texts.connection.sessionOver);
    this.#renewal ??= this.#fetch("POST", "session", { refresh_token: token, username }, null).finally(() => {
      this.#renewal = null;
    });
    try {
      const answer = await this.#renewal;
      this.#keep({ ...answer, username });
      return answer.id_token;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.emit("expired");
      throw new SignInError(texts.connection.sessionOver);
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   */
  async #call(method, path, body) {
    if (!this.session) throw new SignInError(texts.connection.notSignedIn);
    const isOld = this.session.expires_at - Date.now() < RENEW_BEFORE_MS;
    const token = isOld ? await this.#renew() : this.session.id_token;
    try {
      return await this.#fetch(method, path, body, token);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      return this.#fetch(method, path, body, await this.#renew());
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object | undefined} body
   * @param {string | null} token
   * @returns {Promise<any>} the answer; each method below says its shape
   */
  async #fetch(method, path, body, token) {
    /** @type {Record<string, string>} */
    const headers = { accept: "application/json" };
    if (body !== undefined) headers["content-type"] = "application/json";
    if (token) headers.authorization = `Bearer ${token}`;
    let response;
    let text;
    try {
      response = await fetch(new URL(path, this.#base), {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        cache: "no-store",
        keepalive: method === "DELETE", // a lease goes back although its page is being closed
        referrerPolicy: "no-referrer",
      });
      text = await response.text();
    } catch {
      throw new NetworkError(texts.connection.unreachable);
    }
    const answer = parse(text);
    if (response.ok) return answer;
    const { status } = response;
    if (status >= 500 || status === 429) throw new NetworkError(texts.connection.failed(status));
    throw new ApiError(status, answer?.message ?? texts.connection.answered(status), answer ?? {});
  }

  /** @returns {Promise<Jobs>} */
  jobs() {
    return this.#call("GET", "jobs");
  }

  /** @param {string} job @returns {Promise<JobProgress>} */
  job(job) {
    return this.#call("GET", jobPath(job));
  }

  /** Lease up to `count` tasks. @param {string} job @param {number} count @returns {Promise<Task[]>} */
  async next(job, count) {
    return (await this.#call("POST", `${jobPath(job)}/next`, { count })).tasks;
  }

  /** @param {string} job @param {string} task @returns {Promise<AnsweredTask>} */
  task(job, task) {
    return this.#call("GET", taskPath(job, task));
  }

  /** @param {string} job @param {string} task @param {Answer} body @returns {Promise<SavedAnswer>} */
  answer(job, task, body) {
    return this.#call("POST", `${taskPath(job, task)}/answer`, body);
  }

  /** @param {string} job @param {string} task @returns {Promise<{ lease_expires_at: number }>} */
  renewLease(job, task) {
    return this.#call("POST", `${taskPath(job, task)}/lease`, {});
  }

  /**
   * Give a lease back, unless it was given anew since `until`: then another tab, or this page after a reload, works
   * with it.
   * @param {string} job
   * @param {string} task
   * @param {number | null} until
   * @returns {Promise<void>}
   */
  returnLease(job, task, until) {
    return this.#call("DELETE", `${taskPath(job, task)}/lease?until=${until}`);
  }

  /** @returns {Promise<Overview>} */
  overview() {
    return this.#call("GET", "overview");
  }

  /** @param {string} machine @returns {Promise<Workflow>} */
  workflow(machine) {
    return this.#call("GET", `workflows/${encodeURIComponent(machine)}`);
  }

  /** @param {number} version @param {boolean} approved @param {string} reason @returns {Promise<void>} */
  judgeModel(version, approved, reason) {
    return this.#call("POST", `models/${encodeURIComponent(version)}/approval`, { approved, reason });
  }

  /** @returns {Promise<AttentionImage[]>} */
  async attention() {
    return (await this.#call("GET", "attention")).images;
  }

  /** @param {string} image @param {AttentionAction} action @returns {Promise<void>} */
  settle(image, action) {
    return this.#call("POST", `attention/${encodeURIComponent(image)}`, { action });
  }
}

/** @param {string} job */
function jobPath(job) {
  return `jobs/${encodeURIComponent(job)}`;
}

/** @param {string} job @param {string} task */
function taskPath(job, task) {
  return `${jobPath(job)}/tasks/${encodeURIComponent(task)}`;
}

/** @param {string} text */
function parse(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** @returns {Session | null} */
function readSession() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}
