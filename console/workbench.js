// The bench on which one image is worked: the stage, the list of boxes, the classes and the controls of the view. Labelling and
// verification both use it, and add what can be answered.

import { Boxes } from "./boxes.js";
import { count, fileName, fill, h, say, whisper } from "./dom.js";
import { growBox, moveBox } from "./geometry.js";
import { colourOf, Stage } from "./stage.js";
import { settings } from "./store.js";

const FILTER = { contrast: 100, brightness: 100, invert: false };
const PAN_STEP = 60;
const REPEAT_STEP = 6; // a held arrow key moves faster

export class Workbench extends EventTarget {
  #task = null;
  #shown = 0;
  #options = new Map();

  /** `foot` are the buttons below; `onDraft(task, boxes)` keeps unfinished work. */
  constructor({ app, job, photos, foot, onDraft }) {
    super();
    Object.assign(this, { app, job, photos, onDraft });
    this.stage = new Stage("Photo with boxes");
    this.stage.classes = job.classes;
    this.stage.addEventListener("view", () => this.#showZoom());
    this.stage.addEventListener("drawn", () => whisper(`Box ${this.boxes.list.length} drawn`));
    this.title = h("h1", { class: "work-title", tabindex: -1 });
    this.facts = h("span", { class: "work-facts" });
    this.lease = h("span", { class: "chip lease", role: "timer", hidden: true });
    this.banner = h("div", { class: "banner", hidden: true });
    this.classList = h("div", { class: "classes", role: "radiogroup", "aria-label": "Class" });
    this.list = h("ul", { class: "boxes", role: "listbox", "aria-label": "Boxes", tabindex: 0 });
    this.list.addEventListener("focus", () => !this.boxes?.selected && this.boxes?.selectNext(1));
    this.listHead = h("h2", {}, "Boxes");
    this.proposalActions = h("div", { class: "row" });
    this.zoomLevel = h("output", { class: "zoom-level", "aria-label": "Zoom" });
    this.undoButton = this.#tool("↶", "Undo (Ctrl+Z)", () => this.boxes.undo());
    this.redoButton = this.#tool("↷", "Redo (Ctrl+Y)", () => this.boxes.redo());
    this.foot = h("div", { class: "work-foot" }, foot);
    this.panel = h(
      "aside",
      { class: "panel", "aria-label": "Boxes and view" },
      h("section", {}, h("h2", {}, "Class"), this.classList),
      h("section", { class: "grow" }, this.listHead, this.list, this.proposalActions),
      this.#viewControls(),
    );
    this.element = h(
      "div",
      { class: "work" },
      h("div", { class: "work-head" }, this.title, this.facts, this.lease, this.#tools()),
      this.banner,
      h(
        "div",
        { class: "work-body" },
        h(
          "div",
          { class: "stage-frame" },
          h("p", { id: "stage-help", class: "hidden" }, "Draw with the pointer, or press D for a new box. Press ? for all keys."),
          this.stage.element,
        ),
        this.panel,
      ),
      this.foot,
    );
    this.#showClasses();
    this.#setFilter(settings.read("filter", FILTER));
  }

  close() {
    this.stage.close();
  }

  get task() {
    return this.#task;
  }

  /** Whether the photo can be seen: what can't be is not to be answered, only skipped or rejected. */
  get isSeen() {
    return this.#task !== null && this.element.dataset.shown === this.#task.task_id;
  }

  get boxes() {
    return this.stage.boxes;
  }

  /**
   * Show a task and its boxes: `draft` (unfinished work) before `boxes` (an earlier answer) before what the task brings. The
   * promise is fulfilled when the photo can be seen.
   */
  async show(task, { draft = null, boxes = null } = {}) {
    this.#task = task;
    const shown = ++this.#shown;
    delete this.element.dataset.shown;
    const state = draft
      ? Boxes.restore(draft)
      : Boxes.of(boxes ? { annotations: boxes } : { annotations: task.annotations, proposals: task.proposals });
    state.addEventListener("change", () => this.#changed());
    state.addEventListener("select", () => this.#selectionChanged());
    this.title.textContent = fileName(task.name);
    this.title.title = task.name;
    const photo = this.photos.load({ id: task.task_id, url: task.image_url });
    this.stage.say(null);
    this.stage.show(photo.element, { width: task.width, height: task.height }, state);
    this.#render();
    try {
      const slow = setTimeout(() => shown === this.#shown && this.stage.say("Loading the photo …"), 250);
      await photo.ready.finally(() => clearTimeout(slow));
      if (shown !== this.#shown) return;
      this.stage.say(null);
      this.element.dataset.shown = task.task_id;
      this.dispatchEvent(new Event("change"));
    } catch {
      if (shown === this.#shown) this.#offerReload(task);
    }
  }

  #offerReload(task) {
    const isTiff = /\.tiff?$/i.test(task.name);
    const why = isTiff
      ? "This browser can’t show TIFF photos. Skip it, with that as the reason."
      : "The photo could not be loaded: the network is down, or the link has run out.";
    const again = async () => {
      this.stage.say("Loading the photo …");
      try {
        task.image_url = (await this.app.api.task(this.job.job_id, task.task_id)).image_url;
      } catch (error) {
        say(error.message, "bad"); // the old link may still do
      }
      if (this.#task === task) await this.show(task, { draft: this.boxes.draft() });
    };
    this.stage.say(h("p", {}, why), h("button", { type: "button", onclick: again }, "Load it again"));
  }

  /** Nothing to work on: say why, with what can be done. */
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

  setReadOnly(readOnly) {
    this.stage.readOnly = readOnly;
    this.element.classList.toggle("read-only", readOnly);
    this.#render();
  }

  say(...content) {
    this.banner.hidden = !content.length;
    fill(this.banner, ...content);
  }

  /** Show how long the lease lasts; `left` in milliseconds, null when there is none. */
  showLease(left, warnMs) {
    this.lease.hidden = left === null || left > warnMs;
    if (this.lease.hidden) return;
    const seconds = Math.max(0, Math.round(left / 1000));
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    this.lease.textContent = seconds ? `Yours for ${clock} more` : "Your time has run out";
  }

  // ------------------------------------------------------------------------------------------------------------ panel
  #changed() {
    this.onDraft?.(this.#task, this.boxes);
    this.#render();
    this.dispatchEvent(new Event("change"));
  }

  #selectionChanged() {
    const { selected } = this.boxes;
    if (selected) this.stage.reveal(selected);
    this.#render();
  }

  #render() {
    const boxes = this.boxes?.list ?? [];
    const selected = this.boxes?.selected ?? null;
    const { readOnly } = this.stage;
    this.listHead.textContent = boxes.length ? `Boxes (${boxes.length})` : "Boxes";
    this.#options = new Map(boxes.map((box, index) => [box.key, this.#option(box, index, box === selected)]));
    const empty = this.#task && !readOnly ? "None yet. Draw one, or say “no defect”." : "None";
    fill(this.list, boxes.length ? [...this.#options.values()] : h("li", { class: "empty", role: "presentation" }, empty));
    const option = selected && this.#options.get(selected.key);
    if (option) this.list.setAttribute("aria-activedescendant", option.id);
    else this.list.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
    this.undoButton.disabled = readOnly || !this.boxes?.canUndo;
    this.redoButton.disabled = readOnly || !this.boxes?.canRedo;
    this.#renderProposals(readOnly);
    for (const button of this.classList.children) {
      const classId = Number(button.dataset.classId);
      button.setAttribute("aria-checked", String(classId === (selected?.class_id ?? this.stage.classId)));
    }
  }

  #renderProposals(readOnly) {
    const undecided = readOnly ? 0 : (this.boxes?.undecided.length ?? 0);
    this.proposalActions.hidden = !undecided;
    if (!undecided) return;
    const { selected } = this.boxes;
    fill(
      this.proposalActions,
      h("p", { class: "hint" }, `${count(undecided, "proposal")} of the model to decide.`),
      h(
        "button",
        { type: "button", disabled: selected?.origin !== "proposal", onclick: () => this.acceptSelected() },
        "Accept ",
        h("kbd", {}, "A"),
      ),
      h("button", { type: "button", onclick: () => this.acceptAll() }, "Accept all ", h("kbd", {}, "⇧A")),
    );
  }

  #option(box, index, isSelected) {
    const name = this.job.classes[box.class_id] ?? `class ${box.class_id}`;
    const place = `${box.width} × ${box.height} at ${box.left}, ${box.top}`;
    const origins = { proposal: "proposed", accepted: "accepted", label: "", drawn: "" };
    const score = box.score === undefined ? "" : ` ${Math.round(box.score * 100)} %`;
    const origin = origins[box.origin] ? `${origins[box.origin]}${score}` : "";
    const mark = h("span", { class: `mark ${box.origin}`, "aria-hidden": "true" });
    mark.style.borderColor = colourOf(box.class_id);
    const remove = h(
      "button",
      {
        class: "quiet icon", type: "button", tabindex: -1, "aria-label": `Delete box ${index + 1}`,
        onclick: (event) => {
          event.stopPropagation();
          this.boxes.remove(box.key);
        },
      },
      "×",
    );
    return h(
      "li",
      {
        id: `box-${box.key}`, role: "option", "aria-selected": String(isSelected),
        "aria-label": [`${index + 1} ${name}`, origin, place].filter(Boolean).join(", "),
        onclick: () => this.boxes.select(box.key),
      },
      mark,
      h("span", { class: "box-name" }, `${index + 1} ${name}`),
      origin && h("span", { class: "box-origin" }, origin),
      h("span", { class: "box-place" }, place),
      !this.stage.readOnly && remove,
    );
  }

  #showClasses() {
    fill(
      this.classList,
      this.job.classes.map((name, classId) => {
        const dot = h("span", { class: "dot", "aria-hidden": "true" });
        dot.style.background = colourOf(classId);
        return h(
          "button",
          {
            type: "button", role: "radio", "aria-checked": String(classId === 0), dataset: { classId },
            onclick: () => this.chooseClass(classId),
          },
          dot,
          h("span", { class: "class-name" }, name),
          classId < 9 && h("kbd", {}, String(classId + 1)),
        );
      }),
    );
  }

  #viewControls() {
    const slider = (name, label, keys) => {
      const output = h("output", {});
      const input = h("input", {
        type: "range", id: `view-${name}`, min: 20, max: 400, step: 10, "aria-label": label, title: `${label} (${keys})`,
        oninput: () => this.#setFilter({ ...this.stage.filter, [name]: Number(input.value) }),
      });
      this[`${name}Input`] = input;
      this[`${name}Output`] = output;
      return h("div", { class: "slider" }, h("label", { for: input.id }, label), input, output);
    };
    this.invertInput = h("input", {
      type: "checkbox", id: "view-invert",
      onchange: () => this.#setFilter({ ...this.stage.filter, invert: this.invertInput.checked }),
    });
    return h(
      "section",
      { class: "view-controls" },
      h("h2", {}, "View"),
      slider("contrast", "Contrast", "C, Shift+C"),
      slider("brightness", "Brightness", "V, Shift+V"),
      h(
        "div",
        { class: "row spread" },
        h("label", { class: "check" }, this.invertInput, " Invert"),
        h("button", { type: "button", class: "quiet", onclick: () => this.#setFilter(FILTER) }, "Reset ", h("kbd", {}, "R")),
      ),
    );
  }

  #tool(sign, label, run) {
    return h("button", { type: "button", class: "tool", "aria-label": label, title: label, onclick: run }, sign);
  }

  #tools() {
    return h(
      "div",
      { class: "tools", role: "toolbar", "aria-label": "Zoom and undo" },
      this.undoButton,
      this.redoButton,
      this.#tool("−", "Zoom out (−)", () => this.stage.zoom(1 / 1.4)),
      this.zoomLevel,
      this.#tool("+", "Zoom in (+)", () => this.stage.zoom(1.4)),
      this.#tool("⤢", "Whole image (0)", () => this.stage.fit()),
      this.#tool("?", "Keyboard (?)", () => this.app.keys.show()),
    );
  }

  #showZoom() {
    this.zoomLevel.textContent = this.#task ? `${Math.round(this.stage.view.scale * 100)} %` : "";
  }

  #setFilter(filter) {
    const clamp = (value) => Math.min(400, Math.max(20, value));
    const clean = {
      contrast: clamp(filter.contrast), brightness: clamp(filter.brightness), invert: Boolean(filter.invert),
    };
    this.stage.setFilter(clean);
    settings.write("filter", clean);
    for (const name of ["contrast", "brightness"]) {
      this[`${name}Input`].value = clean[name];
      this[`${name}Output`].textContent = `${clean[name]} %`;
    }
    this.invertInput.checked = clean.invert;
  }

  // --------------------------------------------------------------------------------------------------------- commands
  chooseClass(classId) {
    if (this.stage.readOnly || classId >= this.job.classes.length) return;
    this.stage.classId = classId;
    if (this.boxes?.selected) this.boxes.change(this.boxes.selected.key, { class_id: classId });
    this.#render();
    whisper(this.job.classes[classId]);
  }

  acceptSelected() {
    const { selected } = this.boxes;
    if (selected?.origin !== "proposal") return;
    this.boxes.accept(selected.key);
    const next = this.boxes.undecided[0];
    if (next) this.boxes.select(next.key);
    whisper(`Accepted, ${count(this.boxes.undecided.length, "proposal")} left`);
  }

  acceptAll() {
    const number = this.boxes.undecided.length;
    this.boxes.accept();
    whisper(`${count(number, "proposal")} accepted`);
  }

  /** A new box in the middle of what is seen, for the keyboard. */
  addInTheMiddle() {
    const { width, height } = this.stage.stageSize;
    const { view, size } = this.stage;
    const side = Math.max(4, Math.min(width, height) / view.scale / 5);
    const middle = { left: (width / 2 - view.x) / view.scale - side / 2, top: (height / 2 - view.y) / view.scale - side / 2 };
    const box = { width: Math.min(size.width, Math.round(side)), height: Math.min(size.height, Math.round(side)) };
    this.boxes.add({ class_id: this.stage.classId, ...moveBox({ left: 0, top: 0, ...box }, middle.left, middle.top, size) });
    whisper("New box in the middle; arrows move it, Shift and arrows resize it");
  }

  /** Arrows: move the selected box, with Shift resize it; without one, pan. */
  #arrow(event, dx, dy) {
    const box = this.boxes?.selected;
    if (!box || this.stage.readOnly) {
      this.stage.pan(-dx * PAN_STEP, -dy * PAN_STEP);
      return;
    }
    const step = event.repeat ? REPEAT_STEP : 1;
    const change = event.shiftKey ? growBox : moveBox;
    const after = change(box, dx * step, dy * step, this.stage.size);
    this.boxes.change(box.key, after);
    this.stage.reveal(this.boxes.selected);
  }

  /** The commands that every bench has. */
  commands() {
    const isEditing = () => Boolean(this.boxes) && !this.stage.readOnly;
    const isShown = () => Boolean(this.boxes);
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const inList = () => document.activeElement === this.list;
    const change = (name, by) => () => this.#setFilter({ ...this.stage.filter, [name]: this.stage.filter[name] + by });
    return [
      // In the list, up and down go through the boxes, as lists do.
      { keys: ["ArrowUp"], hidden: true, when: () => inList() && isShown(), run: () => this.boxes.selectNext(-1) },
      { keys: ["ArrowDown"], hidden: true, when: () => inList() && isShown(), run: () => this.boxes.selectNext(1) },
      {
        keys: [...this.job.classes.keys()].slice(0, 9).map((classId) => String(classId + 1)),
        show: this.job.classes.length > 1 ? ["1", String(Math.min(9, this.job.classes.length))] : ["1"],
        group: "Boxes", text: "Class of the selected box, or of the next one", when: isEditing,
        run: (event) => this.chooseClass(Number(event.key) - 1),
      },
      { keys: ["D"], group: "Boxes", text: "New box in the middle", when: isEditing, run: () => this.addInTheMiddle() },
      { keys: [".", ","], group: "Boxes", text: "Select the next or previous box", when: isShown, run: (event) => this.boxes.selectNext(event.key === "." ? 1 : -1) },
      ...Object.entries(arrows).map(([key, [dx, dy]], index) => ({
        keys: [key, `Shift+${key}`], show: ["ArrowLeft", "ArrowUp", "ArrowDown", "ArrowRight"], hidden: index > 0,
        group: "Boxes", text: "Move the selected box; with Shift resize it; without a selected box, pan",
        run: (event) => this.#arrow(event, dx, dy),
      })),
      { keys: ["Delete", "Backspace", "X"], group: "Boxes", text: "Delete the selected box", when: () => isEditing() && Boolean(this.boxes.selected), run: () => this.boxes.remove(this.boxes.selected.key) },
      { keys: ["A"], group: "Boxes", text: "Accept the selected proposal", once: true, when: () => isEditing() && this.boxes.undecided.length > 0, run: () => (this.boxes.selected?.origin === "proposal" ? this.acceptSelected() : this.boxes.select(this.boxes.undecided[0].key)) },
      { keys: ["Shift+A"], group: "Boxes", text: "Accept all proposals", when: () => isEditing() && this.boxes.undecided.length > 0, run: () => this.acceptAll() },
      { keys: ["Mod+Z"], group: "Boxes", text: "Undo", when: isEditing, run: () => this.boxes.undo() },
      { keys: ["Mod+Y", "Mod+Shift+Z"], group: "Boxes", text: "Redo", when: isEditing, run: () => this.boxes.redo() },
      { keys: ["+", "="], show: ["+"], group: "View", text: "Zoom in (also the wheel, or two fingers)", run: () => this.stage.zoom(1.4) },
      { keys: ["-"], group: "View", text: "Zoom out", run: () => this.stage.zoom(1 / 1.4) },
      { keys: ["0"], group: "View", text: "Whole image", run: () => this.stage.fit() },
      { keys: ["Z"], group: "View", text: "Zoom to the selected box", run: () => this.stage.zoomToSelected() },
      { keys: [" "], group: "View", text: "Hold and drag to pan", run: () => this.stage.holdSpace(true) },
      { keys: ["H"], group: "View", text: "Hold to hide the boxes", run: () => this.stage.hide(true) },
      { keys: ["C", "Shift+C"], group: "View", text: "More or less contrast", run: (event) => change("contrast", event.shiftKey ? -20 : 20)() },
      { keys: ["V", "Shift+V"], group: "View", text: "More or less brightness", run: (event) => change("brightness", event.shiftKey ? -20 : 20)() },
      { keys: ["I"], group: "View", text: "Invert", run: () => this.#setFilter({ ...this.stage.filter, invert: !this.stage.filter.invert }) },
      { keys: ["R"], group: "View", text: "Reset contrast and brightness", run: () => this.#setFilter(FILTER) },
      {
        keys: ["Escape"], group: "Boxes", text: "Give up the drawing, or deselect",
        run: () => this.stage.cancel() || this.boxes?.select(null),
      },
    ];
  }
}
