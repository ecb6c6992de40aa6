// @ts-check
// What mouse, pen and fingers do on the stage: draw, move and resize boxes, select, zoom and pan.

import * as geometry from "./geometry.js";

/** @import { Box, KeyedBox, Point } from "./types.d.ts" */
/** @import { Handle } from "./geometry.js" */
/** @import { Stage } from "./stage.js" */

/** @typedef {"mouse" | "pen" | "touch"} PointerKind */
/** @typedef {{ kind: "pinch" }} Pinch */
/** @typedef {{ kind: "pan", from: Point, start?: Point, moved?: boolean }} Pan with `start`, a click selects */
/** @typedef {{ kind: "draw", start: Point, point: Point, preview?: Box }} Draw */
/** @typedef {{ kind: "move", box: KeyedBox, start: Point, point: Point, preview?: Box }} Move */
/** @typedef {{ kind: "resize", box: KeyedBox, handle: Handle, start: Point, point: Point, preview?: Box }} Resize */

const SLIP = 4; // pixels of the screen; less is a click, not a drag
const REACH = { mouse: 8, pen: 12, touch: 22 }; // pixels of the screen: how near a handle or an outline is hit
const WHEEL_SPEED = 0.0016;

export class Gestures {
  /** @type {Map<number, Point>} */
  #pointers = new Map();
  /** @type {Pinch | Pan | Draw | Move | Resize | null} */
  #gesture = null;
  /** @type {Point | null} */
  #hover = null;
  /** @type {PointerKind} */
  #pointer = "mouse";
  #spaceHeld = false;
  #stage;

  /** @param {Stage} stage */
  constructor(stage) {
    this.#stage = stage;
    const { element } = stage;
    element.addEventListener("pointerdown", this.#onDown);
    element.addEventListener("pointermove", this.#onMove);
    element.addEventListener("pointerup", this.#onUp);
    element.addEventListener("pointercancel", this.#onCancel);
    element.addEventListener("pointerleave", () => {
      this.#hover = null;
      stage.redraw();
    });
    element.addEventListener("wheel", this.#onWheel, { passive: false });
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    element.addEventListener("dblclick", () => stage.boxes?.selected && stage.zoomToSelected());
    window.addEventListener("keyup", this.#onKeyUp);
    window.addEventListener("blur", this.#onBlur);
  }

  close() {
    window.removeEventListener("keyup", this.#onKeyUp);
    window.removeEventListener("blur", this.#onBlur);
  }

  /** Which kind of pointer was used last. */
  get pointer() {
    return this.#pointer;
  }

  /** Where the pointer is while nothing is pressed. */
  get hover() {
    return this.#hover;
  }

  get isIdle() {
    return !this.#gesture && !this.#spaceHeld;
  }

  /** The box as it would be if the pointer were let go. */
  get preview() {
    const gesture = this.#gesture;
    return (gesture && "preview" in gesture && gesture.preview) || null;
  }

  /** The box that is being moved or resized. */
  get changed() {
    const gesture = this.#gesture;
    return gesture && "box" in gesture ? gesture.box : null;
  }

  forgetHover() {
    this.#hover = null;
  }

  /** @param {boolean} held */
  holdSpace(held) {
    this.#spaceHeld = held;
    this.#setCursor();
  }

  /** Cancel what is under way. Return true when there was something. */
  cancel() {
    const had = this.#gesture !== null && this.#gesture.kind !== "pinch";
    if (had) this.#gesture = null;
    this.#stage.redraw();
    return had;
  }

  #onKeyUp = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === " ") this.holdSpace(false);
    if (event.key === "h" || event.key === "H") this.#stage.hide(false);
  };

  #onBlur = () => {
    this.holdSpace(false);
    this.#stage.hide(false);
  };

  /** @param {MouseEvent} event */
  #pointOf(event) {
    const frame = this.#stage.element.getBoundingClientRect();
    return { x: event.clientX - frame.left, y: event.clientY - frame.top };
  }

  /** In pixels of the image. */
  get #reach() {
    return REACH[this.#pointer] / this.#stage.view.scale;
  }

  #onDown = (/** @type {PointerEvent} */ event) => {
    if (event.target instanceof Element && event.target.closest(".stage-note")) return; // its buttons are buttons
    this.#pointer = kindOf(event);
    const at = this.#pointOf(event);
    const { element } = this.#stage;
    element.setPointerCapture(event.pointerId);
    element.focus({ preventScroll: true });
    this.#pointers.set(event.pointerId, at);
    this.#hover = null;
    if (this.#pointers.size === 2) this.#gesture = { kind: "pinch" };
    if (this.#pointers.size > 1) {
      this.#stage.redraw();
      return;
    }
    const pans = event.button === 1 || event.button === 2 || this.#spaceHeld;
    if (event.button > 2 || (event.button !== 0 && !pans)) return;
    event.preventDefault();
    this.#gesture = pans ? { kind: "pan", from: at } : this.#begin(at, event.shiftKey);
    this.#setCursor();
    this.#stage.redraw();
  };

  /**
   * What a press at `at` begins: resizing or moving the selected box, or (with Shift always) a new one.
   * @param {Point} at
   * @param {boolean} isNew
   * @returns {Pan | Draw | Move | Resize}
   */
  #begin(at, isNew) {
    const { boxes, readOnly, hidden, view } = this.#stage;
    const point = geometry.toImage(view, at);
    if (readOnly || !boxes) return { kind: "pan", from: at, start: at };
    const box = boxes.selected;
    if (box && !isNew && !hidden) {
      const handle = geometry.handleAt(box, point, this.#reach);
      if (handle) return { kind: "resize", box, handle, start: at, point };
      if (geometry.contains(box, point) || geometry.nearOutline(box, point, this.#reach)) {
        return { kind: "move", box, start: at, point };
      }
    }
    return { kind: "draw", start: at, point };
  }

  #onMove = (/** @type {PointerEvent} */ event) => {
    const at = this.#pointOf(event);
    if (!this.#pointers.has(event.pointerId)) {
      if (event.pointerType !== "touch") this.#hoverAt(event, at);
      return;
    }
    const gesture = this.#gesture;
    if (gesture?.kind === "pinch") this.#pinch(event.pointerId, at);
    this.#pointers.set(event.pointerId, at);
    if (!gesture || gesture.kind === "pinch" || this.#pointers.size > 1) return;
    if (gesture.kind === "pan") {
      this.#stage.pan(at.x - gesture.from.x, at.y - gesture.from.y);
      gesture.from = at;
      gesture.moved ||= gesture.start !== undefined && isDrag(gesture.start, at);
      return;
    }
    if (!gesture.preview && !isDrag(gesture.start, at)) return;
    gesture.preview = this.#previewOf(gesture, geometry.toImage(this.#stage.view, at));
    this.#stage.redraw();
  };

  /**
   * @param {PointerEvent} event
   * @param {Point} at
   */
  #hoverAt(event, at) {
    this.#pointer = kindOf(event);
    this.#hover = at;
    this.#setCursor();
    this.#stage.redraw();
  }

  /**
   * @param {Draw | Move | Resize} gesture
   * @param {Point} point
   * @returns {Box}
   */
  #previewOf(gesture, point) {
    const { size, classId } = this.#stage;
    const dx = point.x - gesture.point.x;
    const dy = point.y - gesture.point.y;
    if (gesture.kind === "move") return geometry.moveBox(gesture.box, dx, dy, size);
    if (gesture.kind === "resize") {
      // The edge moves as far as the pointer, wherever the handle was caught.
      const { handle, box } = gesture;
      const corner = { x: box.left + handle.x * box.width + dx, y: box.top + handle.y * box.height + dy };
      return geometry.resizeBox(box, handle.name, corner, size);
    }
    return { class_id: classId, ...geometry.boxBetween(gesture.point, point, size) };
  }

  /**
   * @param {number} moved the finger that moved
   * @param {Point} at
   */
  #pinch(moved, at) {
    const [first, second] = [...this.#pointers];
    if (!first || !second || (moved !== first[0] && moved !== second[0])) return;
    const { factor, at: middle, dx, dy } = geometry.pinch(
      [first[1], second[1]],
      [moved === first[0] ? at : first[1], moved === second[0] ? at : second[1]],
    );
    this.#stage.pan(dx, dy);
    this.#stage.zoom(factor, middle);
  }

  #onUp = (/** @type {PointerEvent} */ event) => {
    const at = this.#pointOf(event);
    this.#pointers.delete(event.pointerId);
    const gesture = this.#gesture;
    if (gesture?.kind === "pinch") {
      if (this.#pointers.size === 0) this.#gesture = null; // the last finger of a pinch draws nothing
      return;
    }
    if (this.#pointers.size > 0) return;
    this.#gesture = null;
    if (gesture) this.#finish(gesture, geometry.toImage(this.#stage.view, at));
    this.#setCursor();
    this.#stage.redraw();
  };

  /**
   * @param {Pan | Draw | Move | Resize} gesture
   * @param {Point} point
   */
  #finish(gesture, point) {
    if (gesture.kind === "pan") {
      if (gesture.start && !gesture.moved) this.#selectAt(point);
      return;
    }
    const { preview } = gesture;
    if (!preview) this.#selectAt(point);
    else if (gesture.kind !== "draw") this.#stage.boxes?.change(gesture.box.key, preview);
    else if (preview.width >= geometry.MIN_SIDE && preview.height >= geometry.MIN_SIDE) {
      this.#stage.boxes?.add(preview);
      this.#stage.emit("drawn");
    }
  }

  /** @param {Point} point */
  #selectAt(point) {
    const { boxes, hidden } = this.#stage;
    if (!boxes) return;
    const index = hidden ? -1 : geometry.boxAt(boxes.list, point, this.#reach);
    boxes.select(boxes.list[index]?.key ?? null);
  }

  #onCancel = (/** @type {PointerEvent} */ event) => {
    this.#pointers.delete(event.pointerId);
    if (this.#pointers.size === 0) this.#gesture = null;
    this.#stage.redraw();
  };

  #onWheel = (/** @type {WheelEvent} */ event) => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 30 : event.deltaMode === 2 ? 300 : 1;
    if (event.shiftKey) {
      this.#stage.pan(-(event.deltaX || event.deltaY) * lines, 0);
      return;
    }
    const speed = event.ctrlKey ? WHEEL_SPEED * 6 : WHEEL_SPEED; // a trackpad's pinch comes as a slow wheel with Ctrl
    this.#stage.zoom(Math.exp(-event.deltaY * lines * speed), this.#pointOf(event));
  };

  #setCursor() {
    this.#stage.element.style.cursor = this.#cursor();
  }

  #cursor() {
    const { boxes, readOnly, hidden, view } = this.#stage;
    const gesture = this.#gesture;
    if (gesture?.kind === "pan") return "grabbing";
    if (this.#spaceHeld) return "grab";
    if (gesture?.kind === "resize") return gesture.handle.cursor;
    const box = boxes?.selected;
    if (this.#hover && !readOnly && box && !hidden) {
      const point = geometry.toImage(view, this.#hover);
      const handle = geometry.handleAt(box, point, this.#reach);
      if (handle) return handle.cursor;
      if (geometry.contains(box, point)) return "move";
    }
    return readOnly ? "grab" : "crosshair";
  }
}

/**
 * @param {PointerEvent} event
 * @returns {PointerKind}
 */
function kindOf({ pointerType }) {
  return pointerType === "pen" || pointerType === "touch" ? pointerType : "mouse";
}

/**
 * @param {Point} from
 * @param {Point} to
 */
function isDrag(from, to) {
  return Math.hypot(to.x - from.x, to.y - from.y) >= SLIP;
}
