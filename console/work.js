// Going through the tasks of a job one by one, for labelling and verification alike: next and previous, drafts, leases, and what
// to say when there is nothing to do or nobody answers.

import { ApiError, SignInError } from "./api.js";
import { describeAnswer } from "./answers.js";
import { count, h, say } from "./dom.js";

const LOOK_AGAIN_MS = 5_000;
const TICK_MS = 1_000;
const RENEW_EVERY_MS = 5_000;
const ACTIVE_MS = 180_000; // a person who touched nothing for three minutes has left; the lease ends by itself
const WARN_MS = 60_000;
const REMEMBERED = 30;

export class Session {
  #timers = [];
  #lastTouch = Date.now();
  #lastRenewal = 0;
  #warned = null;
  #closed = false;
  #failure = null;
  #remaining; // images of the job without an answer, as the server last said

  /** `onShow` is told when another task is shown, or none. */
  constructor({ app, job, queue, bench, onShow }) {
    Object.assign(this, { app, job, queue, bench, onShow });
    this.#remaining = job.remaining;
    this.mine = job.answered_by_you;
    this.shownTask = null;
    for (const kind of ["pointerdown", "keydown", "wheel"]) {
      window.addEventListener(kind, this.#touched, { passive: true, capture: true });
    }
    queue.addEventListener("filled", this.#onFilled);
    queue.addEventListener("lost", this.#onLost);
    app.outbox.addEventListener("delivered", this.#onDelivered);
    app.outbox.addEventListener("change", this.#onOutbox);
    app.outbox.addEventListener("elsewhere", this.#onElsewhere);
    this.#timers = [setInterval(() => this.#tick(), TICK_MS), setInterval(() => this.#lookAgain(), LOOK_AGAIN_MS)];
  }

  get #unsent() {
    return this.app.outbox.waiting.filter((entry) => entry.job_id === this.job.job_id).length;
  }

  /** Images that nobody has answered; what waits here to be sent counts as answered. */
  get left() {
    return Math.max(0, this.#remaining - this.#unsent);
  }

  /** The promise is fulfilled when what was not begun is given back; not the photo at hand of a person who may come back. */
  close({ comesBack = false } = {}) {
    this.#closed = true;
    this.#timers.forEach(clearInterval);
    for (const kind of ["pointerdown", "keydown", "wheel"]) {
      window.removeEventListener(kind, this.#touched, { capture: true });
    }
    this.queue.removeEventListener("filled", this.#onFilled);
    this.queue.removeEventListener("lost", this.#onLost);
    this.app.outbox.removeEventListener("delivered", this.#onDelivered);
    this.app.outbox.removeEventListener("change", this.#onOutbox);
    this.app.outbox.removeEventListener("elsewhere", this.#onElsewhere);
    const atHand = comesBack ? this.shownTask?.task_id : null;
    return this.queue.leave((task) => task === atHand || this.app.store.draft(this.job.job_id, task) !== null);
  }

  start() {
    this.bench.showNothing("Asking for the next image …");
    this.onShow();
    return this.refill();
  }

  #touched = () => {
    this.#lastTouch = Date.now();
  };

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

  #onFilled = () => {
    if (this.shownTask === null && this.queue.current) this.show();
  };

  /** Show the current task of the queue, or why there is none. */
  show() {
    const task = this.queue.current;
    this.shownTask = task;
    this.#warned = null;
    if (!task) {
      this.#showNothing();
      return undefined;
    }
    const draft = this.app.store.draft(this.job.job_id, task.task_id);
    const earlier = task.done ? task.answer?.annotations : null;
    const shown = this.bench.show(task, { draft: draft?.boxes, boxes: earlier });
    this.#explain(task, Boolean(draft));
    this.#showFacts();
    this.onShow(task);
    return shown;
  }

  #explain(task, hasDraft) {
    const words = [];
    if (task.done) {
      const said = task.answer ? describeAnswer(task.answer) : "answered";
      words.push(h("strong", {}, "Your answer: "), `${said}. A new one replaces it as long as the job is open.`);
    } else if (task.rejection) {
      words.push(h("strong", {}, "Came back: "), task.rejection);
    }
    if (hasDraft) words.push(`${words.length ? " · " : ""}Your unfinished boxes are back.`);
    this.bench.say(...words);
  }

  #showFacts() {
    this.bench.facts.textContent = `${this.left.toLocaleString("en")} of ${this.job.total.toLocaleString("en")} left`;
  }

  #showNothing() {
    this.shownTask = null;
    const unsent = this.#unsent;
    const kept = unsent ? ` ${count(unsent, "answer")} of yours ${unsent === 1 ? "waits" : "wait"} here and will be sent.` : "";
    const back = h("a", { class: "button", href: "#/jobs" }, "To the jobs");
    if (this.queue.isFilling && !this.#failure) {
      this.bench.showNothing("Asking for the next image …");
    } else if (this.#failure instanceof ApiError) {
      this.bench.showNothing(h("p", {}, this.#failure.message), back);
    } else if (this.#failure) {
      this.bench.showNothing(
        h("p", {}, h("strong", {}, "No connection."), kept, " More images come as soon as it is back."),
        h("button", { type: "button", onclick: () => this.refill() }, "Try now"),
      );
    } else if (this.job.annotators > 1 && this.mine >= this.job.total) {
      this.bench.showNothing(h("p", {}, h("strong", {}, "You have answered every image."), " Others still do.", kept), back);
    } else if (unsent) {
      this.bench.showNothing(h("p", {}, kept)); // whether something is left, the server will say when it has them
    } else if (this.left) {
      this.bench.showNothing(
        h("p", {}, h("strong", {}, "Others have the rest."), " What they give back comes here by itself."),
        back,
      );
    } else {
      this.bench.showNothing(h("p", {}, h("strong", {}, "All done."), " This job has no image left."), back);
    }
    this.bench.facts.textContent = "";
    this.onShow(null);
  }

  // ---------------------------------------------------------------------------------------------------------- answers
  /** Keep `body` as the answer of these tasks (the shown one), send it, and go on. */
  answer(body, tasks = [this.queue.current]) {
    for (const task of tasks) {
      this.app.outbox.add({ job_id: this.job.job_id, task_id: task.task_id, name: task.name, body });
      this.#remember(task.task_id);
      if (!task.done) this.mine += 1;
      this.queue.finish(body, task);
    }
    if (!this.app.outbox.hasRoom) say("This browser’s storage is full: keep this page open until everything is sent.", "bad");
    this.refill(); // before: "nothing left" is said only when the server said so
    if (this.queue.current !== this.shownTask) this.show();
  }

  keepDraft(task, boxes) {
    if (!this.app.store.keepDraft(this.job.job_id, task.task_id, boxes.draft())) {
      say("This browser’s storage is full: save this image before you leave the page.", "bad");
    }
  }

  // ---------------------------------------------------------------------------------------------------- back and forth
  #memory() {
    return `recent:${this.app.api.user}:${this.job.job_id}`;
  }

  #recent() {
    try {
      return JSON.parse(sessionStorage.getItem(this.#memory())) ?? [];
    } catch {
      return [];
    }
  }

  /** What was answered in this tab, so that "previous" works after a reload too. */
  #remember(task) {
    const recent = [...this.#recent().filter((each) => each !== task), task].slice(-REMEMBERED);
    sessionStorage.setItem(this.#memory(), JSON.stringify(recent));
  }

  get #earlier() {
    const known = new Set(this.queue.tasks.map((task) => task.task_id));
    return this.#recent().filter((task) => !known.has(task));
  }

  get canGoBack() {
    return this.queue.index > 0 || this.#earlier.length > 0;
  }

  async back() {
    if (this.queue.index > 0) {
      this.queue.back();
      this.show();
      return;
    }
    const earlier = this.#earlier.at(-1);
    if (!earlier) return;
    try {
      const task = await this.app.api.task(this.job.job_id, earlier);
      if (this.#closed) return;
      const unsent = this.app.store.answer(this.job.job_id, earlier);
      this.queue.recall({ ...task, answer: unsent?.body ?? task.answer });
      this.show();
    } catch (error) {
      say(error.message, "bad");
    }
  }

  forward() {
    if (!this.queue.current?.done) return;
    this.queue.index += 1;
    this.queue.loadAhead();
    this.refill();
    this.show();
  }

  // ----------------------------------------------------------------------------------------------------------- leases
  #tick() {
    const left = this.queue.leaseLeft();
    const isActive = Date.now() - this.#lastTouch < ACTIVE_MS;
    if (isActive && Date.now() - this.#lastRenewal > RENEW_EVERY_MS) {
      this.#lastRenewal = Date.now();
      this.queue.renew();
    }
    this.bench.showLease(this.shownTask ? left : null, WARN_MS);
    if (left !== null && left < WARN_MS && this.#warned !== this.shownTask && this.shownTask) {
      this.#warned = this.shownTask;
      if (!isActive) say("Your time for this image is about to end. Do anything to keep it.");
    }
  }

  #onLost = () => {
    const task = this.queue.current;
    const why = task && this.queue.lost.get(task.task_id);
    if (!why || task !== this.shownTask) return;
    const next = () => {
      this.queue.drop();
      this.refill();
      this.show();
    };
    this.bench.say(
      h("strong", {}, "This image is no longer yours: "),
      `its time ran out while nothing was done, and it went back to everybody. (${why}) `,
      h("button", { type: "button", onclick: next }, "Next image"),
    );
  };

  #onDelivered = (event) => {
    if (event.detail.entry.job_id !== this.job.job_id || event.detail.remaining === undefined) return;
    // Answers overtake each other, and what is left of an open job never grows: the least that was said is the latest.
    this.#remaining = Math.min(this.#remaining, event.detail.remaining);
    if (this.shownTask) this.#showFacts();
  };

  /** The same person answered in another tab: here, too, it is answered, not to be overwritten unseen. */
  #onElsewhere = ({ detail: { job_id: job, task_id: id, body } }) => {
    if (job !== this.job.job_id || !this.queue.answeredElsewhere(id, body)) return;
    if (this.shownTask?.task_id === id) this.show();
  };

  #onOutbox = () => {
    if (!this.shownTask && !this.#closed && this.queue.current === null) this.#showNothing();
  };

  /** Is there something again, or have the others finished? */
  async #lookAgain() {
    if (this.shownTask || document.visibilityState !== "visible") return;
    await this.refill();
    if (this.#failure || this.queue.current) return;
    const job = await this.app.api.job(this.job.job_id).catch(() => null);
    if (!job || this.#closed || this.queue.current) return;
    this.#remaining = job.remaining;
    this.mine = job.answered_by_you;
    this.#showNothing();
  }
}
