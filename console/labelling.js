// @ts-check
// Labelling one job: draw, save, next. What is answered is shown as done at once and sent by the outbox.

import { say, whisper } from "./announce.js";
import { askReason } from "./dialogs.js";
import { h } from "./dom.js";
import { fileName } from "./format.js";
import { JobWork } from "./job-work.js";
import { Photos } from "./photos.js";
import { TaskQueue } from "./task-queue.js";
import { texts } from "./texts.js";
import { keyButton } from "./widgets.js";
import { Workbench } from "./workbench.js";
import { workbenchCommands } from "./workbench-keys.js";

/** @import { Answer, Command, Context, Job } from "./types.d.ts" */

const AHEAD = 3; // tasks that are leased beyond the current one

export class LabellingView {
  title = texts.labelling.title;

  /**
   * @param {Context} context
   * @param {Job} job
   */
  constructor(context, job) {
    const photos = new Photos();
    const queue = new TaskQueue({ api: context.api, outbox: context.outbox, photos, job, ahead: AHEAD });
    this.save = keyButton(texts.labelling.save, "Enter", () => this.onSave(), "primary");
    this.noDefect = keyButton(texts.labelling.noDefect, "N", () => this.onNoDefect());
    this.skip = keyButton(texts.labelling.skip, "S", () => this.onSkip());
    this.previous = keyButton(texts.work.previous, "K", () => this.work.back(), "quiet");
    this.next = keyButton(texts.work.next, "J", () => this.work.forward(), "quiet");
    this.bench = new Workbench({
      context, job, photos,
      foot: [this.previous, this.next, h("span", { class: "gap" }), this.skip, this.noDefect, this.save],
      onDraft: (task, boxes) => this.work.keepDraft(task, boxes),
    });
    this.work = new JobWork({ context, job, queue, bench: this.bench, onShow: () => this.#render() });
    this.bench.on("change", () => this.#render());
    this.element = this.bench.element;
    this.work.start();
  }

  /** @param {{ comesBack?: boolean }} [how] */
  close(how) {
    this.bench.close();
    return this.work.close(how);
  }

  #render() {
    const { task, boxes, isSeen } = this.bench;
    for (const button of [this.save, this.noDefect]) button.disabled = !isSeen;
    this.skip.disabled = !task;
    this.previous.disabled = !this.work.canGoBack;
    this.next.disabled = !task?.done;
    this.save.classList.toggle("primary", Boolean(boxes?.decided.length));
    this.noDefect.classList.toggle("primary", isSeen && !boxes?.list.length);
  }

  onSave() {
    const { boxes } = this.bench;
    if (!boxes || !this.bench.isLookedAt()) return;
    const [undecided] = boxes.undecided;
    if (undecided) {
      boxes.select(undecided.key);
      say(texts.labelling.undecided(boxes.undecided.length));
    } else if (!boxes.list.length) {
      say(texts.labelling.noBox);
    } else {
      this.#answer({ annotations: boxes.answer() }, texts.answers.boxes(boxes.list.length));
    }
  }

  onNoDefect() {
    const { boxes } = this.bench;
    if (!boxes || !this.bench.isLookedAt()) return;
    const own = boxes.decided.length;
    if (own) say(texts.labelling.hasBoxes(own));
    else this.#answer({ annotations: [] }, texts.answers.boxes(0));
  }

  async onSkip() {
    const { task } = this.bench;
    if (!task) return;
    const { skipTitle, skipReasons, skipButton, skipExplained, skipped } = texts.labelling;
    const reason = await askReason(skipTitle, skipReasons, skipButton, { explain: skipExplained });
    if (reason && this.bench.task === task) this.#answer({ skip: reason }, skipped);
  }

  /**
   * @param {Answer} body
   * @param {string} words
   */
  #answer(body, words) {
    whisper(texts.labelling.saved(fileName(this.bench.task?.name ?? ""), words));
    this.work.answer(body);
  }

  /** @returns {Command[]} */
  commands() {
    const group = texts.keys.groups.answer;
    return [
      { keys: ["Enter"], group, text: texts.keys.save, once: true, run: () => this.onSave() },
      { keys: ["N"], group, text: texts.keys.noDefect, once: true, run: () => this.onNoDefect() },
      { keys: ["S"], group, text: texts.keys.skip, once: true, run: () => this.onSkip() },
      { keys: ["K", "PageUp"], group, text: texts.keys.previousImage, run: () => this.work.back() },
      { keys: ["J", "PageDown"], group, text: texts.keys.nextImage, run: () => this.work.forward() },
      ...workbenchCommands(this.bench),
    ];
  }
}
