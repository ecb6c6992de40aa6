// @ts-check
// The boxes of one image while a person works on them, with undo and redo. The origin of a box is "drawn", "label"
// (what was labelled before), "proposal" (the model's, undecided) or "accepted" (the model's, decided). States are
// never changed, so undo is a step back in a list.

import { Emitter } from "./emitter.js";

/** @import { Box, DraftBox, KeyedBox, Proposal } from "./types.d.ts" */
/** @typedef {{ boxes: KeyedBox[], selected: number | null }} State */

/** @type {(keyof Box)[]} */
const FIELDS = ["class_id", "left", "top", "width", "height"];

/** @extends {Emitter<{ change: undefined, select: undefined }>} */
export class Boxes extends Emitter {
  /** @type {State[]} */
  #past = [];
  /** @type {State[]} */
  #future = [];
  /** @type {State} */
  #state = { boxes: [], selected: null };
  #nextKey = 1;

  /**
   * Start with what is known of an image: earlier labels and the model's proposals.
   * @param {{ annotations?: Box[] | null, proposals?: Proposal[] | null }} task
   */
  static of({ annotations, proposals }) {
    /** @type {DraftBox[]} */
    const labels = (annotations ?? []).map((box) => ({ ...plain(box), origin: "label" }));
    /** @type {DraftBox[]} */
    const proposed = (proposals ?? []).map((box) => ({ ...plain(box), origin: "proposal", score: box.score }));
    return Boxes.restore([...labels, ...proposed]);
  }

  /**
   * Go on with a draft that `draft()` gave.
   * @param {DraftBox[]} draft
   */
  static restore(draft) {
    const boxes = new Boxes();
    boxes.#state = { boxes: draft.map((box) => ({ ...box, key: boxes.#nextKey++ })), selected: null };
    return boxes;
  }

  /** @returns {DraftBox[]} */
  draft() {
    return this.list.map(({ key: _, ...box }) => box);
  }

  get list() {
    return this.#state.boxes;
  }

  get selected() {
    return this.list.find((box) => box.key === this.#state.selected) ?? null;
  }

  get undecided() {
    return this.list.filter((box) => box.origin === "proposal");
  }

  get decided() {
    return this.list.filter((box) => box.origin !== "proposal");
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** What goes to the API: the decided boxes, whole pixels, no other field. */
  answer() {
    return this.decided.map(plain);
  }

  /** @param {number | null} key */
  select(key) {
    if (key === this.#state.selected) return;
    this.#state = { ...this.#state, selected: key };
    this.emit("select");
  }

  /** @param {Box} box */
  add(box) {
    const key = this.#nextKey++;
    this.#step([...this.list, { ...plain(box), origin: "drawn", key }], key);
    return key;
  }

  /**
   * Change a box; to touch a proposal is to accept it as it is now.
   * @param {number} key
   * @param {Partial<Box>} fields
   */
  change(key, fields) {
    const before = this.list.find((box) => box.key === key);
    if (!before) return;
    const origin = before.origin === "proposal" ? "accepted" : before.origin;
    const after = { ...before, ...fields, origin };
    if (FIELDS.every((field) => after[field] === before[field]) && origin === before.origin) return;
    this.#step(
      this.list.map((box) => (box.key === key ? after : box)),
      key,
    );
  }

  /**
   * Decide for a proposal, or for all of them.
   * @param {number | null} key
   */
  accept(key = null) {
    const change = (/** @type {KeyedBox} */ box) => box.origin === "proposal" && (key === null || box.key === key);
    if (!this.list.some(change)) return;
    this.#step(
      this.list.map((box) => (change(box) ? { ...box, origin: "accepted" } : box)),
      this.#state.selected,
    );
  }

  /**
   * Delete a box; the selection goes to the next one, so that several can be deleted in a row.
   * @param {number} key
   */
  remove(key) {
    const index = this.list.findIndex((box) => box.key === key);
    if (index < 0) return;
    const rest = this.list.filter((box) => box.key !== key);
    this.#step(rest, rest[Math.min(index, rest.length - 1)]?.key ?? null);
  }

  clear() {
    if (this.list.length) this.#step([], null);
  }

  /** @param {number} step 1 or -1 */
  selectNext(step) {
    if (!this.list.length) return;
    const index = this.list.findIndex((box) => box.key === this.#state.selected);
    const next = index < 0 ? (step > 0 ? 0 : this.list.length - 1) : index + step;
    this.select(this.list[(next + this.list.length) % this.list.length]?.key ?? null);
  }

  undo() {
    const before = this.#past.pop();
    if (!before) return;
    this.#future.push(this.#state);
    this.#state = before;
    this.emit("change");
  }

  redo() {
    const after = this.#future.pop();
    if (!after) return;
    this.#past.push(this.#state);
    this.#state = after;
    this.emit("change");
  }

  /** @param {KeyedBox[]} boxes @param {number | null} selected */
  #step(boxes, selected) {
    this.#past.push(this.#state);
    this.#future = [];
    this.#state = { boxes, selected };
    this.emit("change");
  }
}

/**
 * Only the fields of a box that the API knows.
 * @param {Box} box
 * @returns {Box}
 */
export function plain({ class_id, left, top, width, height }) {
  return { class_id, left, top, width, height };
}

/**
 * Are two lists of boxes the same answer?
 * @param {Box[]} a
 * @param {Box[]} b
 */
export function sameBoxes(a, b) {
  return a.length === b.length && a.every((box, index) => FIELDS.every((field) => box[field] === b[index]?.[field]));
}
