// Verifying one job: many images at once in a grid, or one at a time; approve, reject with a reason, or correct and approve.

import { askReason, count, fileName, fill, h, say, svg, whisper } from "./dom.js";
import { sameBoxes } from "./boxes.js";
import { Photos } from "./photos.js";
import { colourOf } from "./stage.js";
import { settings } from "./store.js";
import { TaskQueue } from "./tasks.js";
import { Session } from "./work.js";
import { Workbench } from "./workbench.js";

const AHEAD = 3;
const GRID = 12; // images in the grid
const REASONS = ["A defect has no box", "A box shows no defect", "A box is in the wrong place or of the wrong size", "Wrong class", "The photo is not usable"];

export class VerificationView {
  #selected = new Set();
  #focused = 0;
  #tiles = new Map();
  #seen = new Set(); // tasks whose photo the grid shows; only these can be selected

  constructor(app, job) {
    this.app = app;
    this.job = job;
    this.title = "Verification";
    this.photos = new Photos();
    this.queue = new TaskQueue({ api: app.api, outbox: app.outbox, photos: this.photos, job, ahead: AHEAD });
    const button = (text, key, run, kind = null) => h("button", { type: "button", class: kind, onclick: run }, `${text} `, h("kbd", {}, key));
    this.approve = button("Approve", "Enter", () => this.onApprove(), "primary");
    this.reject = button("Reject …", "X", () => this.onReject());
    this.correct = button("Correct", "E", () => this.onCorrect());
    this.discard = button("Discard correction", "Shift+E", () => this.onDiscard());
    this.previous = button("Previous", "K", () => this.session.back(), "quiet");
    this.next = button("Next", "J", () => this.session.forward(), "quiet");
    this.bench = new Workbench({
      app, job, photos: this.photos,
      foot: [
        button("Grid", "G", () => this.toggle(), "quiet"), this.previous, this.next, h("span", { class: "gap" }),
        this.reject, this.correct, this.discard, this.approve,
      ],
      onDraft: (task, boxes) => this.session.keepDraft(task, boxes),
    });
    this.grid = h("div", {
      class: "grid", role: "listbox", "aria-multiselectable": "true", "aria-label": "Labelled images to verify", tabindex: 0,
      onkeydown: (event) => this.#onGridKey(event),
      onfocus: () => this.#showFocus(),
    });
    this.gridNote = h("div", { class: "empty-state", role: "status", hidden: true });
    this.gridHead = h("div", { class: "work-head" }, h("h1", {}, "Verify many at once"), this.gridFacts = h("span", { class: "work-facts" }));
    this.approveSelected = button("Approve selected", "A", () => this.onApproveSelected(), "primary");
    this.gridElement = h(
      "div",
      { class: "work grid-work" },
      this.gridHead,
      h("p", { class: "hint" }, "Select what is right and approve it together. Open one with Enter or a double click to look closely."),
      this.grid,
      this.gridNote,
      h(
        "div",
        { class: "work-foot" },
        button("One at a time", "G", () => this.toggle(), "quiet"),
        h("span", { class: "gap" }),
        button("Select all", "Shift+A", () => this.#selectAll()),
        button("Reject …", "X", () => this.onRejectInGrid()),
        this.approveSelected,
      ),
    );
    this.element = h("div", { class: "view" });
    this.session = new Session({ app, job, queue: this.queue, bench: this.bench, onShow: (task) => this.#onShow(task) });
    this.queue.addEventListener("filled", () => this.#renderGrid());
    this.bench.addEventListener("change", () => this.#render());
    this.isGrid = settings.read("grid", false);
    this.#arrange();
    this.session.start();
  }

  close(how) {
    this.bench.close();
    return this.session.close(how);
  }

  toggle() {
    this.isGrid = !this.isGrid;
    settings.write("grid", this.isGrid);
    this.#arrange();
    if (!this.isGrid) this.session.show();
    this.session.refill();
    (this.isGrid ? this.grid : this.bench.stage.element).focus();
  }

  #arrange() {
    this.queue.ahead = this.isGrid ? GRID - 1 : AHEAD;
    fill(this.element, this.isGrid ? this.gridElement : this.bench.element);
    this.app.keys.use(this.commands());
    this.#renderGrid();
  }

  #onShow(task) {
    this.bench.setReadOnly(!this.#hasCorrection(task));
    this.#render();
    this.#renderGrid();
    if (task) this.#showWho(task);
  }

  #hasCorrection(task) {
    return Boolean(task && this.app.store.draft(this.job.job_id, task.task_id));
  }

  #showWho(task) {
    const by = task.annotated_by?.length ? ` · labelled by ${task.annotated_by.join(", ")}` : "";
    const agreement = typeof task.agreement === "number" ? ` · agreement ${Math.round(task.agreement * 100)} %` : "";
    this.bench.facts.textContent += `${by}${agreement}`;
  }

  #render() {
    const { task, boxes, stage } = this.bench;
    for (const button of [this.approve, this.correct]) button.disabled = !this.bench.isSeen;
    this.reject.disabled = !task;
    this.previous.disabled = !this.session.canGoBack;
    this.next.disabled = !task?.done;
    const isCorrected = task && !stage.readOnly && !sameBoxes(boxes.answer(), task.annotations ?? []);
    this.approve.firstChild.textContent = isCorrected ? "Save correction and approve " : "Approve ";
    this.correct.hidden = !stage.readOnly;
    this.discard.hidden = !task || stage.readOnly;
  }

  // ------------------------------------------------------------------------------------------------------- one at a time
  onApprove() {
    const { task, boxes, stage } = this.bench;
    if (!this.bench.isSeen) return;
    const corrected = stage.readOnly ? null : boxes.answer();
    const body = corrected && !sameBoxes(corrected, task.annotations ?? []) ? { approved: true, annotations: corrected } : { approved: true };
    whisper(`${fileName(task.name)}: ${body.annotations ? "corrected and approved" : "approved"}`);
    this.session.answer(body);
  }

  async onReject() {
    const { task } = this.bench;
    if (!task) return;
    const reason = await askReason("Reject this label", REASONS, "Reject", { explain: "Whoever labels it next reads the reason." });
    if (reason && this.bench.task === task) this.session.answer({ approved: false, reason });
  }

  onCorrect() {
    if (!this.bench.isSeen) return;
    this.bench.setReadOnly(false);
    this.bench.stage.element.focus();
    this.#render();
    say("Correct the boxes, then press Enter to approve them.");
  }

  /** Back to the label as it came. */
  onDiscard() {
    this.app.store.dropDraft(this.job.job_id, this.bench.task.task_id);
    this.session.show();
    this.bench.stage.element.focus();
  }

  // ---------------------------------------------------------------------------------------------------------------- grid
  #gridTasks() {
    return this.queue.open.slice(0, GRID);
  }

  #renderGrid() {
    if (!this.isGrid) return;
    const tasks = this.#gridTasks();
    const ids = new Set(tasks.map((task) => task.task_id));
    for (const id of this.#selected) if (!ids.has(id)) this.#selected.delete(id);
    for (const id of this.#tiles.keys()) if (!ids.has(id)) this.#tiles.delete(id);
    for (const task of tasks) if (!this.#tiles.has(task.task_id)) this.#tiles.set(task.task_id, this.#tile(task));
    const tiles = tasks.map((task) => this.#tiles.get(task.task_id));
    if (tiles.length !== this.grid.children.length || tiles.some((tile, index) => tile !== this.grid.children[index])) {
      this.grid.replaceChildren(...tiles);
    }
    this.#focused = Math.min(this.#focused, Math.max(0, tasks.length - 1));
    for (const task of tasks) this.#tiles.get(task.task_id).setAttribute("aria-selected", String(this.#selected.has(task.task_id)));
    this.#showFocus();
    this.grid.hidden = !tasks.length;
    this.gridNote.hidden = tasks.length > 0;
    if (!tasks.length) fill(this.gridNote, ...[...this.bench.stage.note.childNodes].map((node) => node.cloneNode(true)));
    const number = this.#selected.size;
    this.approveSelected.firstChild.textContent = number ? `Approve ${number} ` : "Approve selected ";
    this.approveSelected.disabled = !number;
    this.gridFacts.textContent = `${this.session?.left ?? this.job.remaining} of ${this.job.total} left · ${number} selected`;
  }

  #tile(task) {
    const boxes = task.annotations ?? [];
    const overlay = svg("svg", { viewBox: `0 0 ${task.width} ${task.height}`, "aria-hidden": "true" });
    for (const box of boxes) {
      for (const [name, colour] of [["halo", "#000"], ["line", colourOf(box.class_id)]]) {
        overlay.append(svg("rect", { x: box.left, y: box.top, width: box.width, height: box.height, class: name, stroke: colour }));
      }
    }
    const missing = h("span", { class: "tile-missing", hidden: true }, "Not loaded. Open it to try again.");
    const photo = h("img", {
      src: task.image_url, alt: "", loading: "lazy", decoding: "async", referrerpolicy: "no-referrer", draggable: "false",
      onload: () => this.#seen.add(task.task_id),
      onerror: () => {
        missing.hidden = false;
      },
    });
    const frame = h("span", { class: "tile-photo" }, photo, overlay, missing);
    frame.style.aspectRatio = `${task.width} / ${task.height}`;
    const words = boxes.length ? count(boxes.length, "box", "boxes") : "no defect";
    const id = `tile-${task.task_id}`;
    return h(
      "div",
      {
        class: "tile", id, role: "option", "aria-selected": "false", "aria-label": `${fileName(task.name)}, ${words}`,
        onclick: () => this.#toggleTile(task),
        ondblclick: () => this.#open(task),
      },
      frame,
      h("span", { class: "tile-text" }, h("span", { class: "tick", "aria-hidden": "true" }), h("span", { class: "tile-name" }, fileName(task.name)), h("span", { class: "tile-count" }, words)),
    );
  }

  #toggleTile(task) {
    this.#focused = this.#gridTasks().indexOf(task);
    if (!this.#selected.delete(task.task_id)) {
      if (this.#seen.has(task.task_id)) this.#selected.add(task.task_id);
      else say(`${fileName(task.name)} can’t be seen yet. Open it to look at it.`);
    }
    this.#renderGrid();
  }

  #showFocus() {
    for (const [index, tile] of [...this.grid.children].entries()) {
      tile.classList.toggle("focused", index === this.#focused);
      if (index === this.#focused) this.grid.setAttribute("aria-activedescendant", tile.id);
    }
    if (document.activeElement === this.grid) this.grid.children[this.#focused]?.scrollIntoView({ block: "nearest" });
  }

  #columns() {
    const tops = [...this.grid.children].map((tile) => tile.offsetTop);
    return Math.max(1, tops.filter((top) => top === tops[0]).length);
  }

  #onGridKey(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.#columns(), ArrowDown: this.#columns() };
    const tasks = this.#gridTasks();
    if (event.key in steps) {
      const next = this.#focused + steps[event.key];
      if (next >= 0 && next < tasks.length) this.#focused = next;
      this.#showFocus();
    } else if (event.key === "Home" || event.key === "End") {
      this.#focused = event.key === "Home" ? 0 : tasks.length - 1;
      this.#showFocus();
    } else if (event.key === " " && tasks[this.#focused]) {
      this.#toggleTile(tasks[this.#focused]);
    } else return;
    event.preventDefault();
  }

  #selectAll() {
    const tasks = this.#gridTasks().filter((task) => this.#seen.has(task.task_id));
    const all = tasks.every((task) => this.#selected.has(task.task_id));
    this.#selected = new Set(all ? [] : tasks.map((task) => task.task_id));
    this.#renderGrid();
    whisper(`${count(this.#selected.size, "image")} selected`);
  }

  onApproveSelected() {
    const chosen = this.#gridTasks().filter((task) => this.#selected.has(task.task_id));
    if (!chosen.length) return;
    this.#selected.clear();
    this.session.answer({ approved: true }, chosen);
    this.#renderGrid();
    whisper(`${count(chosen.length, "image")} approved`);
  }

  async onRejectInGrid() {
    const tasks = this.#gridTasks();
    const chosen = this.#selected.size ? tasks.filter((task) => this.#selected.has(task.task_id)) : [tasks[this.#focused]].filter(Boolean);
    if (!chosen.length) return;
    const title = chosen.length === 1 ? `Reject ${fileName(chosen[0].name)}` : `Reject ${count(chosen.length, "label")}`;
    const reason = await askReason(title, REASONS, "Reject", { explain: "Whoever labels it next reads the reason." });
    if (!reason) return;
    this.#selected.clear();
    this.session.answer({ approved: false, reason }, chosen.filter((task) => !task.done));
    this.#renderGrid();
  }

  #open(task) {
    if (!task) return;
    this.queue.goTo(task);
    this.toggle();
  }

  commands() {
    if (this.isGrid) {
      return [
        { keys: ["A"], group: "Grid", text: "Approve the selected images", once: true, run: () => this.onApproveSelected() },
        { keys: ["Shift+A", "Mod+A"], group: "Grid", text: "Select all that can be seen, or none", once: true, run: () => this.#selectAll() },
        { keys: ["X"], group: "Grid", text: "Reject the selected images (or the one in focus) with a reason", once: true, run: () => this.onRejectInGrid() },
        { keys: ["Enter"], group: "Grid", text: "Open the image in focus", run: () => this.#open(this.#gridTasks()[this.#focused]) },
        { keys: ["ArrowLeft"], show: ["ArrowLeft", "ArrowUp", "ArrowDown", "ArrowRight"], group: "Grid", text: "Go through the images", run: (event) => { this.grid.focus(); this.#onGridKey(event); } },
        ...["ArrowRight", "ArrowUp", "ArrowDown"].map((key) => ({ keys: [key], hidden: true, run: (event) => { this.grid.focus(); this.#onGridKey(event); } })),
        { keys: [" "], group: "Grid", text: "Select the image in focus", run: (event) => this.#onGridKey(event) },
        { keys: ["G"], group: "Grid", text: "One at a time", run: () => this.toggle() },
      ];
    }
    const isReading = () => this.bench.stage.readOnly;
    return [
      { keys: ["Enter"], group: "Answer", text: "Approve (with your corrections)", once: true, run: () => this.onApprove() },
      { keys: ["X"], group: "Answer", text: "Reject with a reason", once: true, when: () => isReading() || !this.bench.boxes?.selected, run: () => this.onReject() },
      { keys: ["A"], group: "Answer", text: "Approve", hidden: true, once: true, when: isReading, run: () => this.onApprove() },
      { keys: ["E"], group: "Answer", text: "Correct the boxes", when: isReading, run: () => this.onCorrect() },
      { keys: ["Shift+E"], group: "Answer", text: "Discard the correction", when: () => !isReading(), run: () => this.onDiscard() },
      { keys: ["K", "PageUp"], group: "Answer", text: "Previous image", run: () => this.session.back() },
      { keys: ["J", "PageDown"], group: "Answer", text: "Next image (after looking back)", run: () => this.session.forward() },
      { keys: ["G"], group: "Answer", text: "Grid of many", run: () => this.toggle() },
      ...this.bench.commands(),
    ];
  }
}
