// @ts-check
// Going through the tasks of a job one by one, for labelling and verification alike: show, answer, next and previous,
// drafts.

import { hush, say, sayError } from "./announce.js";
import { describeAnswer } from "./answers.js";
import { SignInError } from "./api.js";
import { h } from "./dom.js";
import { LeaseWatch } from "./lease-watch.js";
import { explainNoImage } from "./no-image.js";
import { RecentTasks } from "./recent-tasks.js";
import { texts } from "./texts.js";

/** @import { Answer, Context, Entry, Job, SavedAnswer, WorkTask } from "./types.d.ts" */
/** @import { Boxes } from "./boxes.js" */
/** @import { TaskQueue } from "./task-queue.js" */
/** @import { Workbench } from "./workbench.js" */

const LOOK_AGAIN_MS = 5_000;

/**
 * @typedef {object} Options
 * @property {Context} context
 * @property {Job} job
 * @property {TaskQueue} queue
 * @property {Workbench} bench
 * @property {(task: WorkTask | null) => void} onShow is told when another task is shown, or none
 */

export class JobWork {
  #closed = false;
  /** @type {unknown} why the last request for tasks failed */
  #failure = null;
  #isWithdrawn = false;
  #remaining; // images of the job without an answer, as the server last said
  #answeredByMe;
  #recent;
  #leases;
  #timer;
  #unsubscribe;
  /** @type {WorkTask | null} */
  shownTask = null;

  /** @param {Options} options */
  constructor({ context, job, queue, bench, onShow }) {
    this.context = context;
    this.job = job;
    this.queue = queue;
    this.bench = bench;
    this.onShow = onShow;
    this.#remaining = job.remaining;
    this.#answeredByMe = job.answered_by_you ?? 0;
    this.#recent = new RecentTasks(context.api.user, job.job_id);
    this.#leases = new LeaseWatch(queue, bench);
    this.#unsubscribe = [
      queue.on("filled", () => this.#onFilled()),
      queue.on("lost", () => this.#onLost()),
      context.outbox.on("delivered", (detail) => this.#onDelivered(detail)),
      context.outbox.on("change", () => this.#onOutbox()),
      context.outbox.on("elsewhere", (entry) => this.#onElsewhere(entry)),
    ];
    this.#timer = setInterval(() => this.#lookAgain(), LOOK_AGAIN_MS);
  }

  get #unsent() {
    return this.context.outbox.waiting.filter((entry) => entry.job_id === this.job.job_id).length;
  }

  /** Images that nobody has answered; what waits here to be sent counts as answered. */
  get left() {
    return Math.max(0, this.#remaining - this.#unsent);
  }

  /**
   * The promise is fulfilled when what was not begun is given back; not the photo at hand of a person who may come
   * back.
   * @param {{ comesBack?: boolean }} how
   */
  close({ comesBack = false } = {}) {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#leases.close();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    const atHand = comesBack ? this.shownTask?.task_id : null;
    const hasDraft = (/** @type {string} */ task) => this.context.store.draft(this.job.job_id, task) !== null;
    return this.queue.leave((task) => task === atHand || hasDraft(task));
  }

  start() {
    this.bench.showNothing(texts.work.asking);
    this.onShow(null);
    return this.refill();
  }

  /** Lease more tasks; a failure is shown only when there is nothing left to work on. */
  async refill() {
    try {
      await this.queue.fill();
      this.#failure = null;
    } catch (error) {
      this.#failure = error;
      if (this.#closed || error instanceof SignInError) return;
    }
    if (!this.#closed && !this.queue.current) this.#showNothing();
  }

  /** Show the current task of the queue, or why there is none. */
  show() {
    const task = this.queue.current;
    if (!task) {
      this.#showNothing();
      return;
    }
    this.#setShown(task);
    const draft = this.context.store.draft(this.job.job_id, task.task_id);
    const earlier = task.done ? task.answer?.annotations : null;
    this.bench.show(task, { draft: draft?.boxes ?? null, boxes: earlier ?? null });
    this.#explain(task, draft !== null);
    this.#showFacts();
    this.onShow(task);
  }

  /** @param {WorkTask | null} task */
  #setShown(task) {
    if (task !== this.shownTask) hush();
    this.shownTask = task;
    this.#leases.watch(task);
  }

  /**
   * @param {WorkTask} task
   * @param {boolean} hasDraft
   */
  #explain(task, hasDraft) {
    const words = [];
    if (task.done) {
      const said = task.answer ? describeAnswer(task.answer) : texts.work.answered;
      words.push(h("strong", {}, texts.work.yourAnswer), texts.work.replaceable(said));
    } else if (task.rejection) {
      words.push(h("strong", {}, texts.work.returned), task.rejection);
    }
    if (hasDraft) words.push(words.length ? texts.work.separator : "", texts.work.draftRestored);
    this.bench.say(...words);
  }

  #showFacts() {
    this.bench.facts.textContent = texts.work.left(this.left, this.job.total);
  }

  #showNothing() {
    this.#setShown(null);
    const situation = {
      isFilling: this.queue.isFilling,
      failure: this.#failure,
      hasAnsweredAll: this.job.annotators > 1 && this.#answeredByMe >= this.job.total,
      isWithdrawn: this.#isWithdrawn,
      unsent: this.#unsent,
      left: this.left,
    };
    this.bench.showNothing(...explainNoImage(situation, () => this.refill()));
    this.bench.facts.textContent = "";
    this.onShow(null);
  }

  /**
   * Keep `body` as the answer of these tasks (the shown one), send it, and go on.
   * @param {Answer} body
   * @param {WorkTask[]} tasks
   */
  answer(body, tasks = this.queue.current ? [this.queue.current] : []) {
    const { outbox } = this.context;
    for (const task of tasks) {
      outbox.add({ job_id: this.job.job_id, task_id: task.task_id, name: task.name, body });
      this.#recent.add(task.task_id);
      if (!task.done) this.#answeredByMe += 1;
      this.queue.finish(body, task);
    }
    if (!outbox.hasRoom) say(texts.work.storageFullAnswer, "bad");
    this.refill(); // before: "nothing left" is said only when the server said so
    if (this.queue.current !== this.shownTask) this.show();
  }

  /**
   * @param {WorkTask} task
   * @param {Boxes} boxes
   */
  keepDraft(task, boxes) {
    const isKept = this.context.store.keepDraft(this.job.job_id, task.task_id, boxes.draft());
    if (!isKept) say(texts.work.storageFullDraft, "bad");
  }

  /** The last task that was answered in this tab and that the queue does not hold. */
  get #earlier() {
    const known = new Set(this.queue.tasks.map((task) => task.task_id));
    return this.#recent.ids.findLast((task) => !known.has(task));
  }

  get canGoBack() {
    return this.queue.index > 0 || this.#earlier !== undefined;
  }

  async back() {
    if (this.queue.index > 0) {
      this.queue.back();
      this.show();
      return;
    }
    const earlier = this.#earlier;
    if (earlier === undefined) return;
    try {
      const task = await this.context.api.task(this.job.job_id, earlier);
      if (this.#closed) return;
      const unsent = this.context.store.answer(this.job.job_id, earlier);
      this.queue.recall({ ...task, answer: unsent?.body ?? task.answer });
      this.show();
    } catch (error) {
      sayError(error);
    }
  }

  forward() {
    if (!this.queue.current?.done) return;
    this.queue.index += 1;
    this.queue.loadAhead();
    this.refill();
    this.show();
  }

  #onFilled() {
    if (this.shownTask === null && this.queue.current) this.show();
  }

  #onLost() {
    const task = this.queue.current;
    const why = task && this.queue.lost.get(task.task_id);
    if (!why || task !== this.shownTask) return;
    const next = () => {
      this.queue.drop();
      this.refill();
      this.show();
    };
    this.bench.say(
      h("strong", {}, texts.work.leaseLost),
      texts.work.leaseLostWhy(why),
      h("button", { type: "button", onclick: next }, texts.work.nextImage),
    );
  }

  /** @param {{ entry: Entry } & Partial<SavedAnswer>} delivered */
  #onDelivered({ entry, remaining }) {
    if (entry.job_id !== this.job.job_id || remaining === undefined) return;
    // Answers overtake each other, and what is left of an open job never grows: the least that was said is the latest.
    this.#remaining = Math.min(this.#remaining, remaining);
    if (this.shownTask) this.#showFacts();
  }

  /**
   * The same person answered in another tab: here, too, it is answered, not to be overwritten unseen.
   * @param {Entry} entry
   */
  #onElsewhere({ job_id: job, task_id: id, body }) {
    if (job !== this.job.job_id || !this.queue.answeredElsewhere(id, body)) return;
    if (this.shownTask?.task_id === id) this.show();
  }

  #onOutbox() {
    if (!this.shownTask && !this.#closed && this.queue.current === null) this.#showNothing();
  }

  /** Is there something again, or have the others finished? */
  async #lookAgain() {
    if (this.shownTask || document.visibilityState !== "visible") return;
    await this.refill();
    if (this.#failure || this.queue.current) return;
    const job = await this.context.api.job(this.job.job_id).catch(() => null);
    if (!job || this.#closed || this.queue.current) return;
    this.#remaining = job.remaining;
    this.#answeredByMe = job.answered_by_you ?? 0;
    this.#isWithdrawn = job.status === "WITHDRAWN";
    this.#showNothing();
  }
}
