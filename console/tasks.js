// The tasks of one job that this person holds: those done, the one in work, and some leased ahead with their images loaded.

import { ApiError } from "./api.js";

const RENEW_WHEN_LEFT = 0.5; // of the lease as it was given
const MOST_AT_ONCE = 32; // tasks in one request
const PHOTOS_AHEAD = 3; // a decoded photo of a large camera takes 50 MB

export class TaskQueue extends EventTarget {
  #filling = null;
  #generation = 0;
  #hasDraft = () => false;
  #lengths = new Map();

  /** `ahead`: how many tasks are leased beyond the current one. `photos` is a Photos, or null. */
  constructor({ api, outbox, photos, job, ahead }) {
    super();
    Object.assign(this, { api, outbox, photos, job, ahead });
    this.tasks = [];
    this.index = 0;
    this.lost = new Map(); // task id → why the lease is gone
  }

  get current() {
    return this.tasks[this.index] ?? null;
  }

  get upcoming() {
    return this.tasks.slice(this.index + 1);
  }

  get isFilling() {
    return this.#filling !== null;
  }

  /** Lease until `ahead` tasks wait behind the current one. Raises what the API raised; one request at a time. */
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

  /** Ask for `wanted` more tasks; how many came. */
  async #lease(wanted) {
    const { job_id: job } = this.job;
    const answered = new Set(this.outbox.waiting.filter((entry) => entry.job_id === job).map((entry) => entry.task_id));
    // What is held already comes first again, so is asked for too; so does what was answered and not yet sent.
    const held = this.open.filter((task) => !this.lost.has(task.task_id)).length;
    const generation = this.#generation;
    const given = await this.api.next(job, Math.min(MOST_AT_ONCE, wanted + held + answered.size));
    if (generation !== this.#generation) {
      await this.#giveBack(given); // asked for before `leave`, and leased after it
      return 0;
    }
    for (const task of given) this.#noteLease(task);
    for (const entry of this.outbox.waiting.concat(this.outbox.refused)) {
      if (entry.job_id === job) answered.add(entry.task_id);
    }
    const known = new Set([...answered, ...this.tasks.map((task) => task.task_id)]);
    const fresh = given.filter((task) => !known.has(task.task_id)).slice(0, wanted);
    this.tasks.push(...fresh);
    this.loadAhead();
    this.dispatchEvent(new Event("filled"));
    return fresh.length;
  }

  /** Load the images around the current one, and forget those far away. */
  loadAhead() {
    const near = this.tasks.slice(Math.max(0, this.index - 2), this.index + 1 + Math.min(this.ahead, PHOTOS_AHEAD));
    this.photos?.keep(near.map((task) => ({ id: task.task_id, url: task.image_url })));
  }

  /** Mark a task (the current one) as answered with `answer`, and go to the next open one. */
  finish(answer, task = this.current) {
    task.done = true;
    task.answer = answer;
    this.lost.delete(task.task_id);
    if (this.current === task) this.forward();
  }

  /** Put a task that was answered earlier before all others and go to it. */
  recall(task) {
    this.tasks.unshift({ ...task, done: true });
    this.index = 0;
    this.loadAhead();
  }

  /** The same person answered this task in another tab. Answers whether it was waiting for an answer here, too. */
  answeredElsewhere(taskId, body) {
    const task = this.open.find((each) => each.task_id === taskId);
    if (task) Object.assign(task, { done: true, answer: body });
    return Boolean(task);
  }

  /** Make this task the current one. */
  goTo(task) {
    this.index = this.tasks.indexOf(task);
    this.loadAhead();
  }

  get open() {
    return this.tasks.filter((task) => !task.done);
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

  #noteLease({ task_id: id, lease_expires_at: until }) {
    this.#lengths.set(id, Math.max(1, until - Date.now()));
    const known = this.tasks.find((task) => task.task_id === id);
    if (known) known.lease_expires_at = until;
  }

  /** Milliseconds of lease left for the current task; null when it is answered or there is none. */
  leaseLeft(now = Date.now()) {
    const task = this.current;
    return task && !task.done ? task.lease_expires_at - now : null;
  }

  /** Renew the leases that are half over. Network failures wait for the next time; a refusal is noted in `lost`. */
  async renew(now = Date.now()) {
    const due = this.tasks.filter((task) => {
      if (task.done || this.lost.has(task.task_id)) return false;
      return task.lease_expires_at - now < RENEW_WHEN_LEFT * (this.#lengths.get(task.task_id) ?? 0);
    });
    for (const task of due) {
      try {
        const { lease_expires_at: until } = await this.api.renewLease(this.job.job_id, task.task_id);
        this.#noteLease({ task_id: task.task_id, lease_expires_at: until });
      } catch (error) {
        if (!(error instanceof ApiError)) return;
        if (task !== this.current) this.tasks = this.tasks.filter((each) => each !== task || each === this.current);
        else this.lost.set(task.task_id, error.message);
        this.dispatchEvent(new Event("lost"));
      }
    }
  }

  /**
   * Give back what was not begun, so that others get it at once; best effort, the leases end anyway. The promise is fulfilled when
   * also what is being asked for just now has come and gone.
   */
  leave(hasDraft) {
    this.#generation += 1;
    this.#hasDraft = hasDraft;
    this.photos?.keep([]);
    return Promise.allSettled([this.#giveBack(this.open), this.#filling]);
  }

  #giveBack(tasks) {
    const answered = new Set(this.outbox.waiting.map((entry) => entry.task_id));
    const unused = tasks.filter((task) => !answered.has(task.task_id) && !this.#hasDraft(task.task_id));
    return Promise.allSettled(unused.map((task) => this.api.returnLease(this.job.job_id, task.task_id, task.lease_expires_at)));
  }
}
