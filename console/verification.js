// @ts-check
// Verifying one job, one image at a time or many in a grid: approve, reject with a reason, or correct and approve.

import { say, whisper } from "./announce.js";
import { sameBoxes } from "./boxes.js";
import { askReason } from "./dialogs.js";
import { fill, h } from "./dom.js";
import { fileName } from "./format.js";
import { JobWork } from "./job-work.js";
import { Photos } from "./photos.js";
import { readSetting, writeSetting } from "./settings.js";
import { TaskQueue } from "./task-queue.js";
import { texts } from "./texts.js";
import { GRID_SIZE, VerificationGrid } from "./verification-grid.js";
import { keyButton, setLabel } from "./widgets.js";
import { Workbench } from "./workbench.js";
import { workbenchCommands } from "./workbench-keys.js";

/** @import { Answer, Command, Context, Job, WorkTask } from "./types.d.ts" */

const AHEAD = 3; // tasks that are leased beyond the current one

export class VerificationView {
  title = texts.verification.title;

  /**
   * @param {Context} context
   * @param {Job} job
   */
  constructor(context, job) {
    this.context = context;
    this.job = job;
    const photos = new Photos();
    this.queue = new TaskQueue({ api: context.api, outbox: context.outbox, photos, job, ahead: AHEAD });
    this.approve = keyButton(texts.verification.approve, "Enter", () => this.onApprove(), "primary");
    this.reject = keyButton(texts.verification.reject, "X", () => this.onReject());
    this.correct = keyButton(texts.verification.correct, "E", () => this.onCorrect());
    this.discard = keyButton(texts.verification.discard, "Shift+E", () => this.onDiscard());
    this.previous = keyButton(texts.work.previous, "K", () => this.work.back(), "quiet");
    this.next = keyButton(texts.work.next, "J", () => this.work.forward(), "quiet");
    const grid = keyButton(texts.verification.grid, "G", () => this.toggle(), "quiet");
    const move = [grid, this.previous, this.next, h("span", { class: "gap" })];
    const { queue } = this;
    this.bench = new Workbench({
      context, job, photos,
      foot: [...move, this.reject, this.correct, this.discard, this.approve],
      onDraft: (task, boxes) => this.work.keepDraft(task, boxes),
    });
    this.work = new JobWork({ context, job, queue, bench: this.bench, onShow: (task) => this.#onShow(task) });
    this.grid = new VerificationGrid({
      job, queue, work: this.work, emptyNote: this.bench.stage.note,
      onOpen: (task) => this.#open(task),
      onClose: () => this.toggle(),
    });
    this.element = h("div", { class: "view" });
    this.bench.on("change", () => this.#render());
    this.queue.on("filled", () => this.#renderGrid());
    this.isGrid = readSetting("grid", false);
    this.#arrange();
    this.work.start();
  }

  /** @param {{ comesBack?: boolean }} [how] */
  close(how) {
    this.bench.close();
    return this.work.close(how);
  }

  /** From the grid to one at a time, and back. */
  toggle() {
    this.isGrid = !this.isGrid;
    writeSetting("grid", this.isGrid);
    this.#arrange();
    if (!this.isGrid) this.work.show();
    this.work.refill();
    (this.isGrid ? this.grid.list : this.bench.stage.element).focus();
  }

  /** @param {WorkTask} task */
  #open(task) {
    this.queue.goTo(task);
    this.toggle();
  }

  #arrange() {
    this.queue.ahead = this.isGrid ? GRID_SIZE - 1 : AHEAD;
    fill(this.element, this.isGrid ? this.grid.element : this.bench.element);
    this.context.keys.use(this.commands());
    this.#renderGrid();
  }

  /** @param {WorkTask | null} task */
  #onShow(task) {
    this.bench.setReadOnly(!task || this.context.store.draft(this.job.job_id, task.task_id) === null);
    this.#render();
    this.#renderGrid();
    if (task) this.#showWho(task);
  }

  /** @param {WorkTask} task */
  #showWho({ annotated_by: people, agreement }) {
    const by = people.length ? texts.verification.labelledBy(people) : "";
    const agreed = typeof agreement === "number" ? texts.verification.agreement(agreement) : "";
    this.bench.facts.textContent += by + agreed;
  }

  #renderGrid() {
    if (this.isGrid) this.grid.render();
  }

  /** The boxes as they were corrected; null when they are as they came. */
  get #correction() {
    const { task, boxes, stage } = this.bench;
    if (!task || !boxes || stage.readOnly) return null;
    const corrected = boxes.answer();
    return sameBoxes(corrected, task.annotations ?? []) ? null : corrected;
  }

  #render() {
    const { task, stage, isSeen } = this.bench;
    const { saveCorrection, approve } = texts.verification;
    for (const button of [this.approve, this.correct]) button.disabled = !isSeen;
    this.reject.disabled = !task;
    this.previous.disabled = !this.work.canGoBack;
    this.next.disabled = !task?.done;
    setLabel(this.approve, this.#correction ? saveCorrection : approve);
    this.correct.hidden = !stage.readOnly;
    this.discard.hidden = !task || stage.readOnly;
  }

  onApprove() {
    const { task } = this.bench;
    if (!task || !this.bench.isLookedAt()) return;
    const correction = this.#correction;
    /** @type {Answer} */
    const body = correction ? { approved: true, annotations: correction } : { approved: true };
    whisper(texts.verification.approved(fileName(task.name), correction !== null));
    this.work.answer(body);
  }

  async onReject() {
    const { task } = this.bench;
    if (!task) return;
    const { rejectTitle, rejectReasons, rejectButton, rejectExplained } = texts.verification;
    const reason = await askReason(rejectTitle, rejectReasons, rejectButton, { explain: rejectExplained });
    if (reason && this.bench.task === task) this.work.answer({ approved: false, reason });
  }

  onCorrect() {
    if (!this.bench.isSeen) return;
    this.bench.setReadOnly(false);
    this.bench.stage.element.focus();
    this.#render();
    say(texts.verification.howToCorrect);
  }

  /** Back to the label as it came. */
  onDiscard() {
    const { task } = this.bench;
    if (!task) return;
    this.context.store.dropDraft(this.job.job_id, task.task_id);
    this.work.show();
    this.bench.stage.element.focus();
  }

  /** @returns {Command[]} */
  commands() {
    if (this.isGrid) return this.grid.commands();
    const group = texts.keys.groups.answer;
    const isReading = () => this.bench.stage.readOnly;
    const canReject = () => isReading() || !this.bench.boxes?.selected;
    const approve = () => this.onApprove();
    return [
      { keys: ["Enter"], group, text: texts.keys.approve, once: true, run: approve },
      { keys: ["X"], group, text: texts.keys.reject, once: true, when: canReject, run: () => this.onReject() },
      { keys: ["A"], hidden: true, once: true, when: isReading, run: approve },
      { keys: ["E"], group, text: texts.keys.correct, when: isReading, run: () => this.onCorrect() },
      { keys: ["Shift+E"], group, text: texts.keys.discard, when: () => !isReading(), run: () => this.onDiscard() },
      { keys: ["K", "PageUp"], group, text: texts.keys.previousImage, run: () => this.work.back() },
      { keys: ["J", "PageDown"], group, text: texts.keys.nextImage, run: () => this.work.forward() },
      { keys: ["G"], group, text: texts.keys.grid, run: () => this.toggle() },
      ...workbenchCommands(this.bench),
    ];
  }
}
