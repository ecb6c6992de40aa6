// @ts-check
// The tasks of one job that this person holds: those done, the one in work, and some leased ahead with their photos
// loaded.

import { ApiError } from "./api.js";
import { Emitter } from "./emitter.js";

/** @import { Answer, Entry, Task, WorkTask } from "./types.d.ts" */
/** @import { Api } from "./api.js" */
/** @import { Photos } from "./photos.js" */

const RENEW_WHEN_LEFT = 0.5; // of the lease as it was given
const MOST_AT_ONCE = 32; // tasks in one request
const PHOTOS_AHEAD = 3; // a decoded photo of a large camera takes 50 MB

/** @extends {Emitter<{ filled: undefined, lost: undefined }>} */
export class TaskQueue extends Emitter {
  /** @type {Promise<void> | null} */
  #filling = null;
  #generation = 0;
  /** @type {(task: string) => boolean} */
  #hasDraft = () => false;
  /** @type {Map<string, number>} task → milliseconds that its lease lasts */
  #lengths = new Map();

  /**
   * `ahead`: how many tasks are leased beyond the current one.
   * @param {{
   *   api: Pick<Api, "next" | "renewLease" | "returnLease">, outbox: { waiting: Entry[], refused: Entry[] },
   *   photos: Photos | null, job: { job_id: string }, ahead: number
   * }} options
   */
  constructor({ api, outbox, photos, job, ahead }) {
    super();
    this.api = api;
    this.outbox = outbox;
    this.photos = photos;
    this.job = job;
    this.ahead = ahead;
    /** @type {WorkTask[]} */
    this.tasks = [];
    this.index = 0;
    /** @type {Map<string, string>} task → why its lease is gone */
    this.lost = new Map();
  }

  get current() {
    return this.tasks[this.index] ?? null;
  }

  get upcoming() {
    return this.tasks.slice(this.index + 1);
  }

  get open() {
    return this.tasks.filter((task) => !task.done);
  }

  get isFilling() {
    return this.#filling !== null;
  }

  /** Lease until `ahead` tasks wait behind the current one, one request at a time. Raise what the API raised. */
  fill() {
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = null;
    });
    return this.#filling;
  }

  /** Again while it brings something: answers that were given meanwhile made room for more. */
  async #fill() {
    let wanted;
    while ((wanted = this.ahead + 1 - this.tasks.slice(this.index).filter((task) => !task.done).length) > 0) {
      if (!(await this.#lease(wanted))) break;
    }
  }

  /**
   * Ask for `wanted` more tasks. Return how many came.
   * @param {number} wanted
   */
  async #lease(wanted) {
    const { job_id: job } = this.job;
    const answered = new Set(tasksOf(job, this.outbox.waiting));
    // What is held already comes first again, so is asked for too; so does what was answered and not yet sent.
    const held = this.open.filter((task) => !this.lost.has(task.task_id)).length;
    const generation = this.#generation;
    const given = await this.api.next(job, Math.min(MOST_AT_ONCE, wanted + held + answered.size));
    if (generation !== this.#generation) {
      await this.#giveBack(given); // asked for before `leave`, and leased after it
      return 0;
    }
    for (const task of given) this.#noteLease(task.task_id, task.lease_expires_at);
    const known = new Set([
      ...answered,
      ...tasksOf(job, this.outbox.waiting),
      ...tasksOf(job, this.outbox.refused),
      ...this.tasks.map((task) => task.task_id),
    ]);
    const fresh = given.filter((task) => !known.has(task.task_id)).slice(0, wanted);
    this.tasks.push(...fresh);
    this.loadAhead();
    this.emit("filled");
    return fresh.length;
  }

  /** Load the photos around the current one, and forget those far away. */
  loadAhead() {
    const near = this.tasks.slice(Math.max(0, this.index - 2), this.index + 1 + Math.min(this.ahead, PHOTOS_AHEAD));
    this.photos?.keep(near.map((task) => ({ id: task.task_id, url: task.image_url })));
  }

  /**
   * Mark a task as answered, and go to the next open one.
   * @param {Answer} answer
   * @param {WorkTask | null} task the current one, unless another is given
   */
  finish(answer, task = this.current) {
    if (!task) return;
    task.done = true;
    task.answer = answer;
    this.lost.delete(task.task_id);
    if (this.current === task) this.forward();
  }

  /**
   * Put a task that was answered earlier before all others and go to it.
   * @param {WorkTask} task
   */
  recall(task) {
    this.tasks.unshift({ ...task, done: true });
    this.index = 0;
    this.loadAhead();
  }

  /**
   * The same person answered this task in another tab. Return whether it was waiting for an answer here, too.
   * @param {string} taskId
   * @param {Answer} body
   */
  answeredElsewhere(taskId, body) {
    const task = this.open.find((each) => each.task_id === taskId);
    if (task) Object.assign(task, { done: true, answer: body });
    return Boolean(task);
  }

  /**
   * Make this task the current one.
   * @param {WorkTask} task
   */
  goTo(task) {
    this.index = this.tasks.indexOf(task);
    this.loadAhead();
  }

  forward() {
    if (this.index < this.tasks.length) this.index += 1;
    while (this.current?.done && this.tasks.slice(this.index).some((task) => !task.done)) this.index += 1;
    this.loadAhead();
  }

  back() {
    if (this.index > 0) this.index -= 1;
    this.loadAhead();
    return this.current;
  }

  /** Go on without the current task: its lease is gone. */
  drop() {
    this.tasks.splice(this.index, 1);
    this.loadAhead();
  }

  /**
   * @param {string} id
   * @param {number | null} until
   */
  #noteLease(id, until) {
    this.#lengths.set(id, Math.max(1, (until ?? 0) - Date.now()));
    const known = this.tasks.find((task) => task.task_id === id);
    if (known) known.lease_expires_at = until;
  }

  /** Milliseconds of lease left for the current task; null when it is answered or there is none. */
  leaseLeft(now = Date.now()) {
    const task = this.current;
    return task && !task.done ? (task.lease_expires_at ?? 0) - now : null;
  }

  /** Renew the leases that are half over. Network failures wait for the next time; a refusal is noted in `lost`. */
  async renew(now = Date.now()) {
    const due = this.tasks.filter((task) => {
      if (task.done || this.lost.has(task.task_id)) return false;
      return (task.lease_expires_at ?? 0) - now < RENEW_WHEN_LEFT * (this.#lengths.get(task.task_id) ?? 0);
    });
    for (const task of due) {
      try {
        const { lease_expires_at: until } = await this.api.renewLease(this.job.job_id, task.task_id);
        this.#noteLease(task.task_id, until);
      } catch (error) {
        if (!(error instanceof ApiError)) return;
        if (task !== this.current) this.tasks = this.tasks.filter((each) => each !== task || each === this.current);
        else this.lost.set(task.task_id, error.message);
        this.emit("lost");
      }
    }
  }

  /**
   * Give back what was not begun, so that others get it at once; best effort, the leases end anyway. The promise is
   * fulfilled when also what is being asked for just now has come and gone.
   * @param {(task: string) => boolean} hasDraft
   */
  leave(hasDraft) {
    this.#generation += 1;
    this.#hasDraft = hasDraft;
    this.photos?.keep([]);
    return Promise.allSettled([this.#giveBack(this.open), this.#filling]);
  }

  /** @param {Task[]} tasks */
  #giveBack(tasks) {
    const answered = new Set(this.outbox.waiting.map((entry) => entry.task_id));
    const unused = tasks.filter((task) => !answered.has(task.task_id) && !this.#hasDraft(task.task_id));
    return Promise.allSettled(
      unused.map((task) => this.api.returnLease(this.job.job_id, task.task_id, task.lease_expires_at)),
    );
  }
}

/**
 * @param {string} job
 * @param {Entry[]} entries
 */
function tasksOf(job, entries) {
  return entries.filter((entry) => entry.job_id === job).map((entry) => entry.task_id);
}
