// The HTTP API, and who is signed in. Errors come in three kinds: ApiError (the server said no), NetworkError (nobody answered,
// or the server failed: try again) and SignInError (the session is over).

const TIMEOUT_MS = 20_000;
const RENEW_BEFORE_MS = 120_000;
const KEY = "sightline:session"; // in sessionStorage: a reload stays signed in, closing the tab signs out

export class ApiError extends Error {
  constructor(status, message, body = {}) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

export class NetworkError extends Error {}

export class SignInError extends Error {}

export class Api extends EventTarget {
  #base;
  #renewal = null;

  /** `base` is where the API lives; everything is called below it. */
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

  /** Sign in. Gives null, or {username, session} when the person has to choose a new password first. */
  async signIn(username, password) {
    return this.#open({ username, password });
  }

  async choosePassword(challenge, newPassword) {
    return this.#open({ username: challenge.username, session: challenge.session, new_password: newPassword });
  }

  signOut() {
    this.#keep(null);
  }

  async #open(body) {
    try {
      this.#keep(await this.#fetch("POST", "session", body, null));
    } catch (error) {
      if (error.status === 409 && error.body.challenge === "NEW_PASSWORD_REQUIRED") {
        return { username: body.username, session: error.body.session };
      }
      throw error;
    }
    return null;
  }

  #keep(answer) {
    this.session = answer && {
      username: answer.username ?? this.session?.username,
      groups: answer.groups ?? this.session?.groups ?? [],
      id_token: answer.id_token,
      refresh_token: answer.refresh_token ?? this.session?.refresh_token,
      expires_at: Date.now() + answer.expires_in * 1000,
    };
    if (this.session) sessionStorage.setItem(KEY, JSON.stringify(this.session));
    else sessionStorage.removeItem(KEY);
    this.dispatchEvent(new Event("session"));
  }

  /** Ask for a new token; several requests at once wait for the same one. */
  async #renew() {
    const { refresh_token: token, username } = this.session ?? {};
    if (!token) throw new SignInError("Your session is over. Sign in again; nothing you did is lost.");
    this.#renewal ??= this.#fetch("POST", "session", { refresh_token: token, username }, null).finally(() => {
      this.#renewal = null;
    });
    try {
      this.#keep({ ...(await this.#renewal), username });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.dispatchEvent(new Event("expired"));
      throw new SignInError("Your session is over. Sign in again; nothing you did is lost.");
    }
  }

  async #call(method, path, body) {
    if (!this.session) throw new SignInError("You are not signed in.");
    if (this.session.expires_at - Date.now() < RENEW_BEFORE_MS) await this.#renew();
    try {
      return await this.#fetch(method, path, body, this.session.id_token);
    } catch (error) {
      if (error.status !== 401) throw error;
      await this.#renew();
      return this.#fetch(method, path, body, this.session.id_token);
    }
  }

  async #fetch(method, path, body, token) {
    const headers = { accept: "application/json" };
    if (body !== undefined) headers["content-type"] = "application/json";
    if (token) headers.authorization = `Bearer ${token}`;
    let response;
    let text;
    try {
      response = await fetch(new URL(path, this.#base), {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        cache: "no-store",
        keepalive: method === "DELETE", // a lease goes back although its page is being closed
        referrerPolicy: "no-referrer",
      });
      text = await response.text();
    } catch {
      throw new NetworkError("The server can’t be reached.");
    }
    const answer = parse(text);
    if (response.ok) return answer;
    if (response.status >= 500 || response.status === 429) {
      throw new NetworkError(`The server is busy or failed (${response.status}).`);
    }
    throw new ApiError(response.status, answer?.message ?? `The server answered ${response.status}.`, answer ?? {});
  }

  jobs = async () => (await this.#call("GET", "jobs")).jobs;
  job = (job) => this.#call("GET", `jobs/${encodeURIComponent(job)}`);
  next = async (job, count) => (await this.#call("POST", `jobs/${encodeURIComponent(job)}/next`, { count })).tasks;
  task = (job, task) => this.#call("GET", taskPath(job, task));
  answer = (job, task, body) => this.#call("POST", `${taskPath(job, task)}/answer`, body);
  renewLease = (job, task) => this.#call("POST", `${taskPath(job, task)}/lease`, {});
  /** Give a lease back, unless it was given anew since `until`: another tab, or this page after a reload, works with it then. */
  returnLease = (job, task, until) => this.#call("DELETE", `${taskPath(job, task)}/lease?until=${until}`);
  overview = () => this.#call("GET", "overview");
  workflow = (machine) => this.#call("GET", `workflows/${encodeURIComponent(machine)}`);
  judgeModel = (version, approved, reason) =>
    this.#call("POST", `models/${encodeURIComponent(version)}/approval`, { approved, reason });
  attention = async () => (await this.#call("GET", "attention")).images;
  settle = (image, action) => this.#call("POST", `attention/${encodeURIComponent(image)}`, { action });
}

function taskPath(job, task) {
  return `jobs/${encodeURIComponent(job)}/tasks/${encodeURIComponent(task)}`;
}

function parse(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

function readSession() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}
