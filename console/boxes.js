// The boxes of one image while a person works on them, with undo and redo. A box is {key, class_id, left, top, width, height,
// origin, score?}: origin is "drawn", "label" (what was labelled before), "proposal" (the model's, undecided) or "accepted" (the
// model's, decided). States are never changed, so undo is a step back in a list.

const FIELDS = ["class_id", "left", "top", "width", "height"];

export class Boxes extends EventTarget {
  #past = [];
  #future = [];
  #state = { boxes: [], selected: null };
  #nextKey = 1;

  /** Start with what is known of an image: earlier labels and the model's proposals. */
  static of({ annotations, proposals }) {
    const boxes = new Boxes();
    const start = [
      ...(annotations ?? []).map((box) => ({ ...plain(box), origin: "label" })),
      ...(proposals ?? []).map((box) => ({ ...plain(box), origin: "proposal", score: box.score })),
    ];
    boxes.#state = { boxes: start.map((box) => ({ ...box, key: boxes.#nextKey++ })), selected: null };
    return boxes;
  }

  /** Go on with a draft that `draft()` gave. */
  static restore(draft) {
    const boxes = new Boxes();
    boxes.#state = { boxes: draft.map((box) => ({ ...box, key: boxes.#nextKey++ })), selected: null };
    return boxes;
  }

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

  select(key) {
    if (key === this.#state.selected) return;
    this.#state = { ...this.#state, selected: key };
    this.#tell("select");
  }

  add(box) {
    const key = this.#nextKey++;
    this.#step([...this.list, { ...plain(box), origin: "drawn", key }], key);
    return key;
  }

  /** Change a box; to touch a proposal is to accept it as it is now. */
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

  /** Decide for a proposal, or for all of them. */
  accept(key = null) {
    const change = (box) => box.origin === "proposal" && (key === null || box.key === key);
    if (!this.list.some(change)) return;
    this.#step(
      this.list.map((box) => (change(box) ? { ...box, origin: "accepted" } : box)),
      this.#state.selected,
    );
  }

  /** Delete a box; the selection goes to the next one, so that several can be deleted in a row. */
  remove(key) {
    const index = this.list.findIndex((box) => box.key === key);
    if (index < 0) return;
    const rest = this.list.filter((box) => box.key !== key);
    this.#step(rest, rest.length ? rest[Math.min(index, rest.length - 1)].key : null);
  }

  clear() {
    if (this.list.length) this.#step([], null);
  }

  selectNext(step) {
    if (!this.list.length) return;
    const index = this.list.findIndex((box) => box.key === this.#state.selected);
    const next = index < 0 ? (step > 0 ? 0 : this.list.length - 1) : index + step;
    this.select(this.list[(next + this.list.length) % this.list.length].key);
  }

  undo() {
    if (!this.canUndo) return;
    this.#future.push(this.#state);
    this.#state = this.#past.pop();
    this.#tell("change");
  }

  redo() {
    if (!this.canRedo) return;
    this.#past.push(this.#state);
    this.#state = this.#future.pop();
    this.#tell("change");
  }

  #step(boxes, selected) {
    this.#past.push(this.#state);
    this.#future = [];
    this.#state = { boxes, selected };
    this.#tell("change");
  }

  #tell(what) {
    this.dispatchEvent(new Event(what));
  }
}

/** Only the fields of a box that the API knows. */
export function plain(box) {
  return Object.fromEntries(FIELDS.map((field) => [field, box[field]]));
}

/** Are two lists of boxes the same answer? */
export function sameBoxes(a, b) {
  return a.length === b.length && a.every((box, index) => FIELDS.every((field) => box[field] === b[index][field]));
}
