// @ts-check
// The photo on screen with its boxes: what is shown, how large, and where. The photo is an <img> under CSS transforms
// and filters; a canvas over it holds only the boxes, so that a large photo costs nothing to draw on. gestures.js
// follows the pointers, overlay.js draws the boxes.

import { fill, h } from "./dom.js";
import { Emitter } from "./emitter.js";
import * as geometry from "./geometry.js";
import { Gestures } from "./gestures.js";
import { drawOverlay } from "./overlay.js";
import { texts } from "./texts.js";

/** @import { Child, Filter, Placement, Point, Rectangle, Size } from "./types.d.ts" */
/** @import { Boxes } from "./boxes.js" */

const LEAST_HEIGHT = 60; // pixels of the screen

/** @extends {Emitter<{ view: undefined, drawn: undefined }>} */
export class Stage extends Emitter {
  #frame = 0;
  #fitted = true;
  #watch;
  #gestures;
  /** @type {(() => void)[]} */
  #unsubscribe = [];
  /** @type {Boxes | null} */
  boxes = null;
  /** @type {Size} */
  size = { width: 1, height: 1 };
  /** @type {Placement} */
  view = { scale: 1, x: 0, y: 0 };
  /** @type {Filter} */
  filter = { contrast: 100, brightness: 100, invert: false };
  classId = 0; // of the next box
  readOnly = false;
  hidden = false; // the boxes are

  /** @param {string[]} classes */
  constructor(classes) {
    super();
    this.classes = classes;
    this.photo = h("div", { class: "photo" });
    this.canvas = h("canvas", { class: "overlay" });
    this.note = h("div", { class: "stage-note", role: "status", hidden: true });
    const options = { role: "application", "aria-label": texts.stage.label, "aria-describedby": "stage-help" };
    this.element = h("div", { class: "stage", tabindex: 0, ...options }, this.photo, this.canvas, this.note);
    this.#gestures = new Gestures(this);
    this.#watch = new ResizeObserver(() => this.#resized());
    this.#watch.observe(this.element);
  }

  close() {
    this.#watch.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#gestures.close();
  }

  get stageSize() {
    return { width: this.element.clientWidth, height: this.element.clientHeight };
  }

  /** Whether enough of the stage is on the screen: half of it, and more than a stripe. */
  get isInSight() {
    const { top, bottom, height } = this.element.getBoundingClientRect();
    const scrolled = this.element.closest(".work")?.getBoundingClientRect();
    const from = Math.max(top, scrolled?.top ?? 0, 0);
    const to = Math.min(bottom, scrolled?.bottom ?? bottom, window.innerHeight);
    return to - from >= Math.max(LEAST_HEIGHT, height / 2);
  }

  /**
   * Show a photo with its boxes; null while there is none.
   * @param {HTMLElement | null} element
   * @param {Size} size
   * @param {Boxes | null} boxes
   */
  show(element, size, boxes) {
    this.cancel();
    this.#gestures.forgetHover();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.boxes = boxes;
    this.#unsubscribe = boxes ? [boxes.on("change", this.redraw), boxes.on("select", this.redraw)] : [];
    this.size = size;
    fill(this.photo, element);
    this.photo.style.width = `${size.width}px`;
    this.photo.style.height = `${size.height}px`;
    this.fit();
    this.redraw();
  }

  /**
   * A message in place of the photo; none takes it away.
   * @param {Child[]} children
   */
  say(...children) {
    this.note.hidden = !children.length;
    fill(this.note, ...children);
  }

  fit() {
    this.#fitted = true;
    this.#place(geometry.fit(this.size, this.stageSize));
  }

  /**
   * @param {number} factor
   * @param {Point} at the point of the stage that stays where it is
   */
  zoom(factor, at = { x: this.stageSize.width / 2, y: this.stageSize.height / 2 }) {
    this.#fitted = false;
    this.#place(geometry.zoomAt(this.view, at, factor, this.size, this.stageSize));
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  pan(dx, dy) {
    this.#fitted = false;
    this.#place(geometry.panBy(this.view, dx, dy, this.size, this.stageSize));
  }

  zoomToSelected() {
    const box = this.boxes?.selected;
    if (!box) return;
    const { width, height } = this.stageSize;
    const scale = Math.min((width * 0.5) / box.width, (height * 0.5) / box.height, geometry.MAX_SCALE / 2);
    this.#fitted = false;
    this.#place({
      scale,
      x: width / 2 - (box.left + box.width / 2) * scale,
      y: height / 2 - (box.top + box.height / 2) * scale,
    });
  }

  /**
   * Bring a box into sight.
   * @param {Rectangle | null | undefined} box
   */
  reveal(box) {
    if (box) this.#place(geometry.reveal(this.view, box, this.size, this.stageSize));
  }

  /** @param {Placement} view */
  #place(view) {
    this.view = view;
    this.photo.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    this.photo.classList.toggle("pixels", view.scale > 4);
    this.redraw();
    this.emit("view");
  }

  /** @param {Filter} filter */
  setFilter(filter) {
    this.filter = filter;
    const { contrast, brightness, invert } = filter;
    const isPlain = contrast === 100 && brightness === 100 && !invert;
    this.photo.style.filter = isPlain
      ? "none"
      : `brightness(${brightness}%) contrast(${contrast}%) invert(${invert ? 1 : 0})`;
  }

  /**
   * The boxes vanish while a key is held, to look at what is under them.
   * @param {boolean} hidden
   */
  hide(hidden) {
    if (hidden === this.hidden) return;
    this.hidden = hidden;
    this.redraw();
  }

  /**
   * While Space is held, a drag pans.
   * @param {boolean} held
   */
  holdSpace(held) {
    this.#gestures.holdSpace(held);
  }

  /** Cancel a drawing that is under way. Return true when there was one. */
  cancel() {
    return this.#gestures.cancel();
  }

  #resized() {
    const { width, height } = this.stageSize;
    if (!width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    if (this.#fitted) this.fit();
    else this.redraw();
  }

  /** Draw the boxes with the next frame. */
  redraw = () => {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  };

  #draw() {
    const pen = this.canvas.getContext("2d");
    if (!pen) return;
    const ratio = window.devicePixelRatio || 1;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.boxes || this.hidden) return;
    const { preview, changed, hover, isIdle, pointer } = this.#gestures;
    drawOverlay(pen, {
      boxes: this.boxes.list,
      selected: this.boxes.selected,
      preview,
      changed,
      cross: !this.readOnly && isIdle ? hover : null,
      classes: this.classes,
      readOnly: this.readOnly,
      view: this.view,
      stage: this.stageSize,
      pointer,
    });
  }
}
