// @ts-check
// Keeps the leases of a person who is working, and warns before the lease of the image at hand ends.

import { say } from "./announce.js";
import { texts } from "./texts.js";

/** @import { WorkTask } from "./types.d.ts" */
/** @import { TaskQueue } from "./task-queue.js" */
/** @import { Workbench } from "./workbench.js" */

const TICK_MS = 1_000;
const RENEW_EVERY_MS = 5_000;
const ACTIVE_MS = 180_000; // a person who touched nothing for three minutes has left; the lease ends by itself
const WARN_MS = 60_000;
const ACTIVITY = ["pointerdown", "keydown", "wheel"];

export class LeaseWatch {
  #lastTouch = Date.now();
  #lastRenewal = 0;
  #hasWarned = false;
  /** @type {WorkTask | null} */
  #task = null;
  #timer;

  /**
   * @param {TaskQueue} queue
   * @param {Workbench} bench
   */
  constructor(queue, bench) {
    this.queue = queue;
    this.bench = bench;
    for (const kind of ACTIVITY) window.addEventListener(kind, this.#touched, { passive: true, capture: true });
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  close() {
    clearInterval(this.#timer);
    for (const kind of ACTIVITY) window.removeEventListener(kind, this.#touched, { capture: true });
  }

  /**
   * Another task is shown, or none.
   * @param {WorkTask | null} task
   */
  watch(task) {
    this.#task = task;
    this.#hasWarned = false;
  }

  #touched = () => {
    this.#lastTouch = Date.now();
  };

  #tick() {
    const left = this.#task ? this.queue.leaseLeft() : null;
    const isActive = Date.now() - this.#lastTouch < ACTIVE_MS;
    if (isActive && Date.now() - this.#lastRenewal > RENEW_EVERY_MS) {
      this.#lastRenewal = Date.now();
      this.queue.renew();
    }
    this.bench.showLease(left, WARN_MS);
    if (left === null || left >= WARN_MS || this.#hasWarned) return;
    this.#hasWarned = true;
    if (!isActive) say(texts.work.leaseEnds);
  }
}
