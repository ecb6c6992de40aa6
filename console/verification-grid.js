// @ts-check
// Many labels at once: tiles to select, and to approve or reject together.

import { say, whisper } from "./announce.js";
import { askReason } from "./dialogs.js";
import { fill, h } from "./dom.js";
import { fileName } from "./format.js";
import { texts } from "./texts.js";
import { keyButton, photoWithBoxes, setLabel } from "./widgets.js";

/** @import { Command, Job, WorkTask } from "./types.d.ts" */
/** @import { JobWork } from "./job-work.js" */
/** @import { TaskQueue } from "./task-queue.js" */

export const GRID_SIZE = 12; // images

/**
 * @typedef {object} Options
 * @property {Job} job
 * @property {TaskQueue} queue
 * @property {JobWork} work
 * @property {HTMLElement} emptyNote says why there is no image
 * @property {(task: WorkTask) => void} onOpen looks closely at one
 * @property {() => void} onClose goes to one at a time
 */

export class VerificationGrid {
  /** @type {Set<string>} */
  #selected = new Set();
  /** @type {Map<string, HTMLElement>} */
  #tiles = new Map();
  /** @type {Set<string>} tasks whose photo was loaded and on the screen; only these can be selected */
  #seen = new Set();
  #watch = new IntersectionObserver((entries) => this.#onSight(entries), { threshold: 0.5 });
  #focused = 0;

  /** @param {Options} options */
  constructor({ job, queue, work, emptyNote, onOpen, onClose }) {
    this.job = job;
    this.queue = queue;
    this.work = work;
    this.emptyNote = emptyNote;
    this.onOpen = onOpen;
    this.onClose = onClose;
    this.list = h("div", {
      class: "grid", role: "listbox", "aria-multiselectable": "true", "aria-label": texts.grid.label, tabindex: 0,
      onkeydown: (event) => this.#onKey(event),
      onfocus: () => this.#showFocus(),
    });
    this.note = h("div", { class: "empty-state", role: "status", hidden: true });
    this.facts = h("span", { class: "work-facts" });
    this.approveSelected = keyButton(texts.grid.approveSelected, "A", () => this.onApprove(), "primary");
    this.element = h(
      "div",
      { class: "work grid-work" },
      h("div", { class: "work-head" }, h("h1", {}, texts.grid.title), this.facts),
      h("p", { class: "hint" }, texts.grid.hint),
      this.list,
      this.note,
      h(
        "div",
        { class: "work-foot" },
        keyButton(texts.grid.oneAtATime, "G", () => this.onClose(), "quiet"),
        h("span", { class: "gap" }),
        keyButton(texts.grid.selectAll, "Shift+A", () => this.#selectAll()),
        keyButton(texts.verification.reject, "X", () => this.onReject()),
        this.approveSelected,
      ),
    );
  }

  get #tasks() {
    return this.queue.open.slice(0, GRID_SIZE);
  }

  get #selectedTasks() {
    return this.#tasks.filter((task) => this.#selected.has(task.task_id));
  }

  get #focusedTask() {
    return this.#tasks[this.#focused];
  }

  render() {
    const tasks = this.#tasks;
    this.#forgetAllBut(new Set(tasks.map((task) => task.task_id)));
    const tiles = tasks.map((task) => this.#tileOf(task));
    // Tiles that stay are not moved: the pointer may be on one.
    if (tiles.length !== this.list.children.length || tiles.some((tile, index) => tile !== this.list.children[index])) {
      this.list.replaceChildren(...tiles);
    }
    this.#focused = Math.min(this.#focused, Math.max(0, tasks.length - 1));
    this.#showFocus();
    this.list.hidden = !tasks.length;
    this.note.hidden = tasks.length > 0;
    if (!tasks.length) fill(this.note, ...[...this.emptyNote.childNodes].map((node) => node.cloneNode(true)));
    const number = this.#selected.size;
    setLabel(this.approveSelected, number ? texts.grid.approveNumber(number) : texts.grid.approveSelected);
    this.approveSelected.disabled = !number;
    this.facts.textContent = texts.grid.facts(this.work.left, this.job.total, number);
  }

  /** @param {Set<string>} ids */
  #forgetAllBut(ids) {
    for (const id of this.#selected) if (!ids.has(id)) this.#selected.delete(id);
    for (const [id, tile] of this.#tiles) {
      if (ids.has(id)) continue;
      this.#watch.unobserve(tile);
      this.#tiles.delete(id);
    }
  }

  /** @param {WorkTask} task */
  #tileOf(task) {
    const tile = this.#tiles.get(task.task_id) ?? this.#makeTile(task);
    this.#tiles.set(task.task_id, tile);
    tile.setAttribute("aria-selected", String(this.#selected.has(task.task_id)));
    return tile;
  }

  /** @param {WorkTask} task */
  #makeTile(task) {
    const boxes = task.annotations ?? [];
    const name = fileName(task.name);
    const words = texts.answers.boxes(boxes.length);
    const missing = h("span", { class: "tile-missing", hidden: true }, texts.grid.notLoaded);
    const photo = h("img", {
      src: task.image_url, alt: "", draggable: "false", loading: "lazy", decoding: "async",
      referrerpolicy: "no-referrer",
      onerror: () => {
        missing.hidden = false;
      },
    });
    const tile = h(
      "div",
      {
        class: "tile", dataset: { task: task.task_id }, id: `tile-${task.task_id}`, role: "option",
        onclick: () => this.#toggle(task),
        ondblclick: () => this.onOpen(task),
      },
      photoWithBoxes(photo, task, boxes, missing),
      h(
        "span",
        { class: "tile-text" },
        h("span", { class: "tick", "aria-hidden": "true" }),
        h("span", { class: "tile-name" }, name),
        h("span", { class: "tile-count" }, words),
      ),
    );
    this.#watch.observe(tile);
    return tile;
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #onSight(entries) {
    for (const { target, isIntersecting } of entries) {
      const photo = target.querySelector("img");
      const task = target instanceof HTMLElement && target.dataset.task;
      if (!isIntersecting || !photo || !task) continue;
      photo.decode().then(() => this.#seen.add(task)).catch(() => {}); // the tile says so
    }
  }

  /** @param {WorkTask} task */
  #toggle(task) {
    this.#focused = this.#tasks.indexOf(task);
    if (!this.#selected.delete(task.task_id)) {
      if (this.#seen.has(task.task_id)) this.#selected.add(task.task_id);
      else say(texts.grid.notSeen(fileName(task.name)));
    }
    this.render();
  }

  #showFocus() {
    const tiles = [...this.list.children];
    for (const [index, tile] of tiles.entries()) {
      tile.classList.toggle("focused", index === this.#focused);
      if (index === this.#focused) this.list.setAttribute("aria-activedescendant", tile.id);
    }
    if (document.activeElement === this.list) tiles[this.#focused]?.scrollIntoView({ block: "nearest" });
  }

  #columns() {
    /** @type {NodeListOf<HTMLElement>} */
    const tiles = this.list.querySelectorAll(".tile");
    const tops = [...tiles].map((tile) => tile.offsetTop);
    return Math.max(1, tops.filter((top) => top === tops[0]).length);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const columns = this.#columns();
    const last = this.#tasks.length - 1;
    /** @type {Record<string, number>} */
    const places = {
      ArrowLeft: this.#focused - 1,
      ArrowRight: this.#focused + 1,
      ArrowUp: this.#focused - columns,
      ArrowDown: this.#focused + columns,
      Home: 0,
      End: last,
    };
    const place = places[event.key];
    if (place !== undefined) {
      if (place >= 0 && place <= last) this.#focused = place;
      this.#showFocus();
    } else if (event.key === " " && this.#focusedTask) {
      this.#toggle(this.#focusedTask);
    } else return;
    event.preventDefault();
  }

  #selectAll() {
    const tasks = this.#tasks.filter((task) => this.#seen.has(task.task_id));
    const all = tasks.every((task) => this.#selected.has(task.task_id));
    this.#selected = new Set(all ? [] : tasks.map((task) => task.task_id));
    this.render();
    whisper(texts.grid.selected(this.#selected.size));
  }

  onApprove() {
    const chosen = this.#selectedTasks;
    if (!chosen.length) return;
    this.#selected.clear();
    this.work.answer({ approved: true }, chosen);
    this.render();
    whisper(texts.grid.approved(chosen.length));
  }

  /** Reject what is selected, or the image in focus. */
  async onReject() {
    const focused = this.#focusedTask ? [this.#focusedTask] : [];
    const chosen = this.#selected.size ? this.#selectedTasks : focused;
    const [first] = chosen;
    if (!first) return;
    const { rejectOne, rejectMany } = texts.grid;
    const { rejectReasons, rejectButton, rejectExplained } = texts.verification;
    const title = chosen.length === 1 ? rejectOne(fileName(first.name)) : rejectMany(chosen.length);
    const reason = await askReason(title, rejectReasons, rejectButton, { explain: rejectExplained });
    if (!reason) return;
    this.#selected.clear();
    this.work.answer({ approved: false, reason }, chosen.filter((task) => !task.done));
    this.render();
  }

  /** @returns {Command[]} */
  commands() {
    const group = texts.keys.groups.grid;
    const goThrough = (/** @type {KeyboardEvent} */ event) => {
      this.list.focus();
      this.#onKey(event);
    };
    const open = () => this.#focusedTask && this.onOpen(this.#focusedTask);
    const arrows = ["ArrowLeft", "ArrowUp", "ArrowDown", "ArrowRight"];
    return [
      { keys: ["A"], group, text: texts.keys.approveSelected, once: true, run: () => this.onApprove() },
      { keys: ["Shift+A", "Mod+A"], group, text: texts.keys.selectAll, once: true, run: () => this.#selectAll() },
      { keys: ["X"], group, text: texts.keys.rejectSelected, once: true, run: () => this.onReject() },
      { keys: ["Enter"], group, text: texts.keys.open, run: open },
      { keys: arrows, group, text: texts.keys.goThrough, run: goThrough },
      { keys: [" "], group, text: texts.keys.select, run: (event) => this.#onKey(event) },
      { keys: ["G"], group, text: texts.keys.oneAtATime, run: () => this.onClose() },
    ];
  }
}
