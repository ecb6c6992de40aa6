// @ts-check
// The bench on which one image is worked: the stage, the list of boxes, the classes and the controls of the view.
// Labelling and verification both use it, and add what can be answered.

import { say, sayError, whisper } from "./announce.js";
import { BoxList } from "./box-list.js";
import { Boxes } from "./boxes.js";
import { ClassList } from "./class-list.js";
import { fill, h } from "./dom.js";
import { Emitter } from "./emitter.js";
import { fileName } from "./format.js";
import { moveBox } from "./geometry.js";
import { Stage } from "./stage.js";
import { texts } from "./texts.js";
import { ViewControls } from "./view-controls.js";

/** @import { Box, Child, Children, Context, DraftBox, Job, WorkTask } from "./types.d.ts" */
/** @import { Photos } from "./photos.js" */

const SLOW_MS = 250; // a photo that takes longer is said to be loading
const ZOOM_STEP = 1.4;

/**
 * @typedef {object} Options
 * @property {Context} context
 * @property {Job} job
 * @property {Photos} photos
 * @property {HTMLElement[]} foot the buttons below
 * @property {(task: WorkTask, boxes: Boxes) => void} onDraft keeps unfinished work
 */

/** @extends {Emitter<{ change: undefined }>} */
export class Workbench extends Emitter {
  /** @type {WorkTask | null} */
  #task = null;
  #shown = 0; // how many tasks were shown: what comes late for an earlier one is not shown

  /** @param {Options} options */
  constructor({ context, job, photos, foot, onDraft }) {
    super();
    this.context = context;
    this.job = job;
    this.photos = photos;
    this.onDraft = onDraft;
    this.stage = new Stage(job.classes);
    this.stage.on("view", () => this.#showZoom());
    this.stage.on("drawn", () => whisper(texts.boxes.drawn(this.boxes?.list.length ?? 0)));
    this.title = h("h1", { class: "work-title", tabindex: -1 });
    this.facts = h("span", { class: "work-facts" });
    this.lease = h("span", { class: "chip lease", role: "timer", hidden: true });
    this.banner = h("div", { class: "banner", hidden: true });
    this.classList = new ClassList(job.classes, (classId) => this.chooseClass(classId));
    this.boxList = new BoxList(job.classes, {
      accept: () => this.acceptSelected(),
      acceptAll: () => this.acceptAll(),
      remove: () => this.removeSelected(),
    });
    this.viewControls = new ViewControls(this.stage);
    this.zoomLevel = h("output", { class: "zoom-level", "aria-label": texts.bench.zoom });
    this.undoButton = tool("↶", texts.bench.undo, () => this.boxes?.undo());
    this.redoButton = tool("↷", texts.bench.redo, () => this.boxes?.redo());
    this.element = h(
      "div",
      { class: "work" },
      h("div", { class: "work-head" }, this.title, this.facts, this.lease, this.#tools()),
      this.banner,
      h("div", { class: "work-body" }, this.#stageFrame(), this.#panel()),
      h("div", { class: "work-foot" }, foot),
    );
  }

  #stageFrame() {
    const help = h("p", { id: "stage-help", class: "hidden" }, texts.stage.help);
    return h("div", { class: "stage-frame" }, help, this.stage.element);
  }

  #panel() {
    return h(
      "aside",
      { class: "panel", "aria-label": texts.bench.panel },
      this.classList.element,
      this.boxList.element,
      this.viewControls.element,
    );
  }

  #tools() {
    return h(
      "div",
      { class: "tools", role: "toolbar", "aria-label": texts.bench.tools },
      this.undoButton,
      this.redoButton,
      tool("−", texts.bench.zoomOut, () => this.zoomOut()),
      this.zoomLevel,
      tool("+", texts.bench.zoomIn, () => this.zoomIn()),
      tool("⤢", texts.bench.fit, () => this.stage.fit()),
      tool("?", texts.bench.keyboard, () => this.context.keys.show()),
    );
  }

  close() {
    this.stage.close();
  }

  get task() {
    return this.#task;
  }

  get boxes() {
    return this.stage.boxes;
  }

  /** Whether the photo is loaded: what is not, is not to be answered, only skipped or rejected. */
  get isSeen() {
    return this.#task !== null && this.element.dataset.shown === this.#task.task_id;
  }

  /**
   * Whether the photo is loaded and on the screen. Where it is out of sight, it comes back, and the person is told:
   * a key must not answer what nobody looks at.
   */
  isLookedAt() {
    if (!this.isSeen) return false;
    if (this.stage.isInSight) return true;
    this.stage.element.scrollIntoView({ block: "center" });
    say(texts.work.outOfSight);
    return false;
  }

  /**
   * Show a task and its boxes: `draft` (unfinished work) before `boxes` (an earlier answer) before what the task
   * brings. The promise is fulfilled when the photo can be seen.
   * @param {WorkTask} task
   * @param {{ draft?: DraftBox[] | null, boxes?: Box[] | null }} known
   */
  async show(task, { draft = null, boxes = null } = {}) {
    this.#task = task;
    const shown = ++this.#shown;
    delete this.element.dataset.shown;
    const state = draft ? Boxes.restore(draft) : Boxes.of(boxes ? { annotations: boxes } : task);
    state.on("change", () => this.#changed(task, state));
    state.on("select", () => this.#selectionChanged());
    this.title.textContent = fileName(task.name);
    this.title.title = task.name;
    const photo = this.photos.load({ id: task.task_id, url: task.image_url });
    this.stage.say();
    this.stage.show(photo.element, task, state);
    this.#render();
    try {
      const slow = setTimeout(() => shown === this.#shown && this.stage.say(texts.stage.loading), SLOW_MS);
      await photo.ready.finally(() => clearTimeout(slow));
      if (shown !== this.#shown) return;
      this.stage.say();
      this.element.dataset.shown = task.task_id;
      this.emit("change");
    } catch {
      if (shown === this.#shown) this.#offerReload(task);
    }
  }

  /** @param {WorkTask} task */
  #offerReload(task) {
    const why = /\.tiff?$/i.test(task.name) ? texts.stage.tiff : texts.stage.notLoaded;
    const again = async () => {
      this.stage.say(texts.stage.loading);
      try {
        task.image_url = (await this.context.api.task(this.job.job_id, task.task_id)).image_url;
      } catch (error) {
        sayError(error); // the old link may still do
      }
      if (this.#task === task) await this.show(task, { draft: this.boxes?.draft() ?? null });
    };
    this.stage.say(h("p", {}, why), h("button", { type: "button", onclick: again }, texts.stage.loadAgain));
  }

  /**
   * Nothing to work on: say why, with what can be done.
   * @param {Child[]} content
   */
  showNothing(...content) {
    this.#task = null;
    this.#shown += 1;
    this.title.textContent = "";
    this.banner.hidden = true;
    this.lease.hidden = true;
    delete this.element.dataset.shown;
    this.stage.show(null, { width: 1, height: 1 }, null);
    this.stage.say(...content);
    this.#render();
  }

  /** @param {boolean} readOnly */
  setReadOnly(readOnly) {
    this.stage.readOnly = readOnly;
    this.element.classList.toggle("read-only", readOnly);
    this.#render();
  }

  /**
   * Say something above the photo; nothing takes it away.
   * @param {Children} content
   */
  say(...content) {
    this.banner.hidden = !content.length;
    fill(this.banner, ...content);
  }

  /**
   * Show how long the lease lasts, when it ends soon.
   * @param {number | null} left in milliseconds, null when there is none
   * @param {number} warnMs
   */
  showLease(left, warnMs) {
    this.lease.hidden = left === null || left > warnMs;
    if (left === null || left > warnMs) return;
    const seconds = Math.max(0, Math.round(left / 1000));
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    this.lease.textContent = seconds ? texts.work.leaseLeft(clock) : texts.work.leaseOver;
  }

  /**
   * @param {WorkTask} task
   * @param {Boxes} boxes
   */
  #changed(task, boxes) {
    this.onDraft(task, boxes);
    this.#render();
    this.emit("change");
  }

  #selectionChanged() {
    this.stage.reveal(this.boxes?.selected);
    this.#render();
  }

  #render() {
    const { boxes } = this;
    const { readOnly } = this.stage;
    this.boxList.show(boxes, readOnly);
    this.classList.show(boxes?.selected?.class_id ?? this.stage.classId);
    this.undoButton.disabled = readOnly || !boxes?.canUndo;
    this.redoButton.disabled = readOnly || !boxes?.canRedo;
  }

  #showZoom() {
    this.zoomLevel.textContent = this.#task ? texts.bench.percent(Math.round(this.stage.view.scale * 100)) : "";
  }

  zoomIn() {
    this.stage.zoom(ZOOM_STEP);
  }

  zoomOut() {
    this.stage.zoom(1 / ZOOM_STEP);
  }

  /** @param {number} classId */
  chooseClass(classId) {
    const name = this.job.classes[classId];
    if (this.stage.readOnly || name === undefined) return;
    this.stage.classId = classId;
    if (this.boxes?.selected) this.boxes.change(this.boxes.selected.key, { class_id: classId });
    this.#render();
    whisper(name);
  }

  removeSelected() {
    const { boxes } = this;
    if (this.stage.readOnly || !boxes?.selected) return;
    boxes.remove(boxes.selected.key);
    // The button or the list that had the focus may be gone.
    if (!boxes.list.length) this.stage.element.focus();
  }

  acceptSelected() {
    const { boxes } = this;
    if (boxes?.selected?.origin !== "proposal") return;
    boxes.accept(boxes.selected.key);
    const next = boxes.undecided[0];
    if (next) boxes.select(next.key);
    whisper(texts.boxes.accepted(boxes.undecided.length));
  }

  acceptAll() {
    const number = this.boxes?.undecided.length ?? 0;
    this.boxes?.accept();
    whisper(texts.boxes.allAccepted(number));
  }

  /** A new box in the middle of what is seen, for the keyboard. */
  addInTheMiddle() {
    const { width, height } = this.stage.stageSize;
    const { view, size } = this.stage;
    const side = Math.max(4, Math.min(width, height) / view.scale / 5);
    const left = (width / 2 - view.x) / view.scale - side / 2;
    const top = (height / 2 - view.y) / view.scale - side / 2;
    const whole = Math.round(side);
    const box = { left: 0, top: 0, width: Math.min(size.width, whole), height: Math.min(size.height, whole) };
    this.boxes?.add({ class_id: this.stage.classId, ...moveBox(box, left, top, size) });
    whisper(texts.boxes.inTheMiddle);
  }
}

/**
 * @param {string} sign
 * @param {string} label
 * @param {() => unknown} run
 */
function tool(sign, label, run) {
  return h("button", { type: "button", class: "tool", "aria-label": label, title: label, onclick: run }, sign);
}
