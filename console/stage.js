// The photo on screen with its boxes: zoom and pan, and drawing, moving and resizing with mouse, pen and fingers. The photo is
// an <img> under CSS transforms and filters; a canvas over it holds only the boxes, so that a large photo costs nothing to draw on.

import * as geometry from "./geometry.js";
import { h } from "./dom.js";

const SLIP = 4; // pixels of the screen; less is a click, not a drag
const REACH = { mouse: 8, pen: 12, touch: 22 }; // how near a handle or an outline is hit
const HANDLE = { mouse: 4, pen: 5, touch: 8 };
const WHEEL_SPEED = 0.0016;
// Colours of the classes: told apart by people who see few colours too, and on grey metal.
export const COLOURS = ["#ff5a36", "#2f9bff", "#ffc400", "#1fc98b", "#d66bff", "#00c8d7", "#ff7ab6", "#a8c800", "#b58cff"];

export const colourOf = (classId) => COLOURS[classId % COLOURS.length];

export class Stage extends EventTarget {
  #pointers = new Map();
  #gesture = null;
  #hover = null;
  #frame = 0;
  #fitted = true;
  #touch = "mouse";
  #spaceHeld = false;
  #watch;

  /** `label` is what a screen reader calls it. */
  constructor(label) {
    super();
    this.classes = [];
    this.classId = 0;
    this.readOnly = false;
    this.hidden = false;
    this.boxes = null;
    this.size = { width: 1, height: 1 };
    this.view = { scale: 1, x: 0, y: 0 };
    this.filter = { contrast: 100, brightness: 100, invert: false };
    this.photo = h("div", { class: "photo" });
    this.canvas = h("canvas", { class: "overlay" });
    this.note = h("div", { class: "stage-note", role: "status", hidden: true });
    this.element = h(
      "div",
      { class: "stage", tabindex: 0, role: "application", "aria-label": label, "aria-describedby": "stage-help" },
      this.photo,
      this.canvas,
      this.note,
    );
    this.#listen();
    this.#watch = new ResizeObserver(() => this.#resized());
    this.#watch.observe(this.element);
  }

  close() {
    this.#watch.disconnect();
    cancelAnimationFrame(this.#frame);
    window.removeEventListener("keyup", this.#onKeyUp);
    window.removeEventListener("blur", this.#onBlur);
  }

  get stageSize() {
    return { width: this.element.clientWidth, height: this.element.clientHeight };
  }

  /** Show a photo (an element, or null while there is none) of `size`, with `boxes` (a Boxes). */
  show(element, size, boxes) {
    this.cancel();
    this.#hover = null;
    this.boxes?.removeEventListener("change", this.redraw);
    this.boxes?.removeEventListener("select", this.redraw);
    this.boxes = boxes;
    boxes?.addEventListener("change", this.redraw);
    boxes?.addEventListener("select", this.redraw);
    this.size = size;
    this.photo.replaceChildren(...(element ? [element] : []));
    this.photo.style.width = `${size.width}px`;
    this.photo.style.height = `${size.height}px`;
    this.fit();
    this.redraw();
  }

  /** A message in place of the photo; null takes it away. `children` are nodes or texts. */
  say(...children) {
    this.note.hidden = children[0] === null || !children.length;
    this.note.replaceChildren(...(this.note.hidden ? [] : children));
  }

  // ------------------------------------------------------------------------------------------------------------- view
  fit() {
    this.#fitted = true;
    this.#setView(geometry.fit(this.size, this.stageSize));
  }

  zoom(factor, at = { x: this.stageSize.width / 2, y: this.stageSize.height / 2 }) {
    this.#fitted = false;
    this.#setView(geometry.zoomAt(this.view, at, factor, this.size, this.stageSize));
  }

  pan(dx, dy) {
    this.#fitted = false;
    this.#setView(geometry.panBy(this.view, dx, dy, this.size, this.stageSize));
  }

  /** Zoom to the selected box. */
  zoomToSelected() {
    const box = this.boxes?.selected;
    if (!box) return;
    const { width, height } = this.stageSize;
    const scale = Math.min((width * 0.5) / box.width, (height * 0.5) / box.height, geometry.MAX_SCALE / 2);
    this.#fitted = false;
    this.#setView({
      scale,
      x: width / 2 - (box.left + box.width / 2) * scale,
      y: height / 2 - (box.top + box.height / 2) * scale,
    });
  }

  reveal(box) {
    if (box) this.#setView(geometry.reveal(this.view, box, this.size, this.stageSize));
  }

  #setView(view) {
    this.view = view;
    this.photo.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    this.photo.classList.toggle("pixels", view.scale > 4);
    this.redraw();
    this.dispatchEvent(new Event("view"));
  }

  setFilter(filter) {
    this.filter = filter;
    const { contrast, brightness, invert } = filter;
    const plain = contrast === 100 && brightness === 100 && !invert;
    this.photo.style.filter = plain
      ? "none"
      : `brightness(${brightness}%) contrast(${contrast}%) invert(${invert ? 1 : 0})`;
  }

  /** The boxes vanish while a key is held, to look at what is under them. */
  hide(hidden) {
    if (hidden === this.hidden) return;
    this.hidden = hidden;
    this.redraw();
  }

  holdSpace(held) {
    this.#spaceHeld = held;
    this.#setCursor();
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

  // ---------------------------------------------------------------------------------------------------------- pointers
  #listen() {
    const { element } = this;
    element.addEventListener("pointerdown", this.#onDown);
    element.addEventListener("pointermove", this.#onMove);
    element.addEventListener("pointerup", this.#onUp);
    element.addEventListener("pointercancel", this.#onCancel);
    element.addEventListener("pointerleave", () => {
      this.#hover = null;
      this.redraw();
    });
    element.addEventListener("wheel", this.#onWheel, { passive: false });
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    element.addEventListener("dblclick", () => this.boxes?.selected && this.zoomToSelected());
    window.addEventListener("keyup", this.#onKeyUp);
    window.addEventListener("blur", this.#onBlur);
  }

  #onKeyUp = (event) => {
    if (event.key === " ") this.holdSpace(false);
    if (event.key === "h" || event.key === "H") this.hide(false);
  };

  #onBlur = () => {
    this.holdSpace(false);
    this.hide(false);
  };

  #point(event) {
    const frame = this.element.getBoundingClientRect();
    return { x: event.clientX - frame.left, y: event.clientY - frame.top };
  }

  #reach() {
    return REACH[this.#touch] / this.view.scale;
  }

  #onDown = (event) => {
    if (event.target.closest(".stage-note")) return; // its buttons are buttons
    this.#touch = event.pointerType in REACH ? event.pointerType : "mouse";
    const at = this.#point(event);
    this.element.setPointerCapture(event.pointerId);
    this.element.focus({ preventScroll: true });
    this.#pointers.set(event.pointerId, at);
    this.#hover = null;
    if (this.#pointers.size === 2) this.#gesture = { kind: "pinch" };
    if (this.#pointers.size > 1) return this.redraw();
    const pans = event.button === 1 || event.button === 2 || this.#spaceHeld;
    if (event.button > 2 || (event.button !== 0 && !pans)) return undefined;
    event.preventDefault();
    this.#gesture = pans ? { kind: "pan", from: at } : this.#begin(at, event.shiftKey);
    this.#setCursor();
    return this.redraw();
  };

  /** What a press at `at` begins: resizing or moving the selected box, or (with Shift always) a new one. */
  #begin(at, isNew) {
    const point = geometry.toImage(this.view, at);
    const box = this.boxes?.selected;
    if (this.readOnly || !this.boxes) return { kind: "pan", from: at, start: at, clicks: true };
    if (box && !isNew && !this.hidden) {
      const handle = geometry.handleAt(box, point, this.#reach());
      if (handle) return { kind: "resize", box, handle, start: at, point };
      if (geometry.contains(box, point) || geometry.nearOutline(box, point, this.#reach())) {
        return { kind: "move", box, start: at, point };
      }
    }
    return { kind: "draw", start: at, point };
  }

  #onMove = (event) => {
    const at = this.#point(event);
    const before = this.#pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch") {
        this.#touch = event.pointerType in REACH ? event.pointerType : "mouse";
        this.#hover = at;
        this.#setCursor();
        this.redraw();
      }
      return;
    }
    const gesture = this.#gesture;
    if (gesture?.kind === "pinch") this.#pinch(event.pointerId, at);
    this.#pointers.set(event.pointerId, at);
    if (!gesture || gesture.kind === "pinch" || this.#pointers.size > 1) return;
    if (gesture.kind === "pan") {
      this.pan(at.x - gesture.from.x, at.y - gesture.from.y);
      gesture.from = at;
      gesture.moved ||= gesture.start && Math.hypot(at.x - gesture.start.x, at.y - gesture.start.y) > SLIP;
      return;
    }
    if (!gesture.preview && Math.hypot(at.x - gesture.start.x, at.y - gesture.start.y) < SLIP) return;
    gesture.preview = this.#preview(gesture, geometry.toImage(this.view, at));
    this.redraw();
  };

  #preview(gesture, point) {
    const dx = point.x - gesture.point.x;
    const dy = point.y - gesture.point.y;
    if (gesture.kind === "move") return geometry.moveBox(gesture.box, dx, dy, this.size);
    if (gesture.kind === "resize") {
      // The edge moves as far as the pointer, wherever the handle was caught.
      const { handle, box } = gesture;
      const corner = { x: box.left + handle.x * box.width + dx, y: box.top + handle.y * box.height + dy };
      return geometry.resizeBox(box, handle.name, corner, this.size);
    }
    return { class_id: this.classId, ...geometry.boxBetween(gesture.point, point, this.size) };
  }

  #pinch(moved, at) {
    const ids = [...this.#pointers.keys()].slice(0, 2);
    if (!ids.includes(moved)) return;
    const before = ids.map((id) => this.#pointers.get(id));
    const after = ids.map((id) => (id === moved ? at : this.#pointers.get(id)));
    const { factor, at: middle, dx, dy } = geometry.pinch(before, after);
    this.pan(dx, dy);
    this.zoom(factor, middle);
  }

  #onUp = (event) => {
    const at = this.#point(event);
    this.#pointers.delete(event.pointerId);
    const gesture = this.#gesture;
    if (gesture?.kind === "pinch") {
      if (this.#pointers.size === 0) this.#gesture = null; // the last finger of a pinch draws nothing
      return;
    }
    if (this.#pointers.size > 0) return;
    this.#gesture = null;
    if (gesture) this.#finish(gesture, geometry.toImage(this.view, at));
    this.#setCursor();
    this.redraw();
  };

  #finish(gesture, point) {
    if (gesture.kind === "pan") {
      if (gesture.clicks && !gesture.moved) this.#selectAt(point);
      return;
    }
    const { preview } = gesture;
    if (!preview) return this.#selectAt(point);
    if (gesture.kind !== "draw") return this.boxes.change(gesture.box.key, preview);
    if (preview.width < geometry.MIN_SIDE || preview.height < geometry.MIN_SIDE) return undefined;
    this.boxes.add(preview);
    return this.dispatchEvent(new Event("drawn"));
  }

  #selectAt(point) {
    if (!this.boxes) return;
    const index = this.hidden ? -1 : geometry.boxAt(this.boxes.list, point, this.#reach());
    this.boxes.select(index < 0 ? null : this.boxes.list[index].key);
  }

  #onCancel = (event) => {
    this.#pointers.delete(event.pointerId);
    if (this.#pointers.size === 0) this.#gesture = null;
    this.redraw();
  };

  /** Give up a drawing that is under way; true when there was one. */
  cancel() {
    const had = this.#gesture !== null && this.#gesture.kind !== "pinch";
    if (had) this.#gesture = null;
    this.redraw();
    return had;
  }

  #onWheel = (event) => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 30 : event.deltaMode === 2 ? 300 : 1;
    if (event.shiftKey) {
      this.pan(-(event.deltaX || event.deltaY) * lines, 0);
      return;
    }
    const speed = event.ctrlKey ? WHEEL_SPEED * 6 : WHEEL_SPEED; // a pinch on a trackpad comes as a slow wheel with Ctrl
    this.zoom(Math.exp(-event.deltaY * lines * speed), this.#point(event));
  };

  #setCursor() {
    let cursor = this.readOnly ? "grab" : "crosshair";
    if (this.#gesture?.kind === "pan") cursor = "grabbing";
    else if (this.#spaceHeld) cursor = "grab";
    else if (this.#gesture?.handle) cursor = this.#gesture.handle.cursor;
    else if (this.#hover && !this.readOnly && this.boxes?.selected && !this.hidden) {
      const point = geometry.toImage(this.view, this.#hover);
      const handle = geometry.handleAt(this.boxes.selected, point, this.#reach());
      if (handle) cursor = handle.cursor;
      else if (geometry.contains(this.boxes.selected, point)) cursor = "move";
    }
    this.element.style.cursor = cursor;
  }

  // ----------------------------------------------------------------------------------------------------------- drawing
  redraw = () => {
    if (!this.#frame) {
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.#draw();
      });
    }
  };

  #draw() {
    const pen = this.canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.boxes || this.hidden) return;
    const { preview, box: changed } = this.#gesture ?? {};
    const selected = this.boxes.selected;
    for (const box of this.boxes.list) {
      if (box !== selected && !(preview && changed?.key === box.key)) this.#drawBox(pen, box, false);
    }
    if (preview) this.#drawBox(pen, { ...changed, ...preview }, true);
    else if (selected) this.#drawBox(pen, selected, true);
    if (this.#hover && !this.readOnly && !this.#gesture && !this.#spaceHeld) this.#drawCross(pen, this.#hover);
  }

  #drawBox(pen, box, isSelected) {
    const { x, y } = geometry.toStage(this.view, { x: box.left, y: box.top });
    const width = box.width * this.view.scale;
    const height = box.height * this.view.scale;
    const colour = colourOf(box.class_id);
    const isProposal = box.origin === "proposal";
    if (isSelected) {
      pen.fillStyle = `${colour}22`;
      pen.fillRect(x, y, width, height);
    }
    pen.setLineDash(isProposal ? [7, 5] : []);
    pen.lineWidth = isSelected ? 5 : 4;
    pen.strokeStyle = "rgba(0, 0, 0, 0.55)"; // seen on bright metal and on a dark table alike
    pen.strokeRect(x, y, width, height);
    pen.lineWidth = isSelected ? 2.5 : 1.75;
    pen.strokeStyle = colour;
    pen.strokeRect(x, y, width, height);
    pen.setLineDash([]);
    this.#drawTag(pen, box, x, y, height, colour, isProposal);
    if (isSelected && !this.readOnly) this.#drawHandles(pen, x, y, width, height, colour);
  }

  #drawTag(pen, box, x, y, height, colour, isProposal) {
    const number = this.boxes.list.findIndex((each) => each.key === box.key) + 1;
    const name = this.classes[box.class_id] ?? `class ${box.class_id}`;
    const words = [number ? String(number) : "", this.classes.length > 1 ? name : ""];
    if (isProposal) words.push(`? ${box.score === undefined ? "" : Math.round(box.score * 100) + " %"}`);
    const text = words.filter(Boolean).join(" ").trim();
    if (!text) return;
    pen.font = "600 11px system-ui, sans-serif";
    pen.textBaseline = "middle";
    const width = pen.measureText(text).width + 9;
    const top = y >= 17 ? y - 17 : y + height + 2;
    pen.fillStyle = isProposal ? "rgba(0, 0, 0, 0.72)" : colour;
    pen.fillRect(x - 1, top, width, 15);
    pen.fillStyle = isProposal ? "#fff" : "#0b0d10";
    pen.fillText(text, x + 4, top + 8);
  }

  #drawHandles(pen, x, y, width, height, colour) {
    const size = HANDLE[this.#touch];
    for (const handle of geometry.HANDLES) {
      const isMiddle = handle.x === 0.5 || handle.y === 0.5;
      if (isMiddle && Math.min(width, height) < 6 * size) continue;
      pen.fillStyle = "#fff";
      pen.strokeStyle = colour;
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(x + handle.x * width, y + handle.y * height, size, 0, 2 * Math.PI);
      pen.fill();
      pen.stroke();
    }
  }

  #drawCross(pen, at) {
    const { width, height } = this.stageSize;
    pen.lineWidth = 1;
    for (const [style, shift] of [["rgba(255, 255, 255, 0.5)", 0.5], ["rgba(0, 0, 0, 0.35)", 1.5]]) {
      pen.strokeStyle = style;
      pen.beginPath();
      pen.moveTo(Math.floor(at.x) + shift, 0);
      pen.lineTo(Math.floor(at.x) + shift, height);
      pen.moveTo(0, Math.floor(at.y) + shift);
      pen.lineTo(width, Math.floor(at.y) + shift);
      pen.stroke();
    }
  }
}
