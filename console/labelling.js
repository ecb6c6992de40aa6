// Labelling one job: draw, save, next. What is answered is shown as done at once and sent by the outbox.

import { askReason, count, fileName, h, say, whisper } from "./dom.js";
import { Photos } from "./photos.js";
import { TaskQueue } from "./tasks.js";
import { Session } from "./work.js";
import { Workbench } from "./workbench.js";

const AHEAD = 3;
const SKIP_REASONS = ["The photo is blurred or too dark", "I can’t tell whether this is a defect", "This is not one of our parts"];

export class LabellingView {
  constructor(app, job) {
    this.app = app;
    this.job = job;
    this.photos = new Photos();
    this.queue = new TaskQueue({ api: app.api, outbox: app.outbox, photos: this.photos, job, ahead: AHEAD });
    this.save = h("button", { type: "button", class: "primary", onclick: () => this.onSave() }, "Save and next ", h("kbd", {}, "Enter"));
    this.noDefect = h("button", { type: "button", onclick: () => this.onNoDefect() }, "No defect ", h("kbd", {}, "N"));
    this.skip = h("button", { type: "button", onclick: () => this.onSkip() }, "Skip … ", h("kbd", {}, "S"));
    this.previous = h("button", { type: "button", class: "quiet", onclick: () => this.session.back() }, "Previous ", h("kbd", {}, "K"));
    this.next = h("button", { type: "button", class: "quiet", onclick: () => this.session.forward() }, "Next ", h("kbd", {}, "J"));
    this.bench = new Workbench({
      app, job, photos: this.photos,
      foot: [this.previous, this.next, h("span", { class: "gap" }), this.skip, this.noDefect, this.save],
      onDraft: (task, boxes) => this.session.keepDraft(task, boxes),
    });
    this.session = new Session({ app, job, queue: this.queue, bench: this.bench, onShow: () => this.#render() });
    this.bench.addEventListener("change", () => this.#render());
    this.element = this.bench.element;
    this.title = "Labelling";
    this.session.start();
  }

  close(how) {
    this.bench.close();
    return this.session.close(how);
  }

  #render() {
    const task = this.bench.task;
    const boxes = this.bench.boxes;
    for (const button of [this.save, this.noDefect]) button.disabled = !this.bench.isSeen;
    this.skip.disabled = !task;
    this.previous.disabled = !this.session.canGoBack;
    this.next.disabled = !task?.done;
    this.save.classList.toggle("primary", Boolean(boxes?.decided.length));
    this.noDefect.classList.toggle("primary", this.bench.isSeen && !boxes?.list.length);
  }

  onSave() {
    const { boxes } = this.bench;
    if (!this.bench.isSeen) return;
    if (boxes.undecided.length) {
      boxes.select(boxes.undecided[0].key);
      say(`${count(boxes.undecided.length, "proposal")} to decide first: A accepts, X deletes, Shift+A accepts all.`);
      return;
    }
    if (!boxes.list.length) {
      say("There is no box. Draw one, or press N to say “no defect”.");
      return;
    }
    this.#answer({ annotations: boxes.answer() }, count(boxes.list.length, "box", "boxes"));
  }

  onNoDefect() {
    const { boxes } = this.bench;
    if (!this.bench.isSeen) return;
    const own = boxes.decided.length;
    if (own) {
      say(`This image has ${count(own, "box", "boxes")}. Delete ${own === 1 ? "it" : "them"} first, then say “no defect”.`);
      return;
    }
    this.#answer({ annotations: [] }, "no defect");
  }

  async onSkip() {
    const { task } = this.bench;
    if (!task) return;
    const reason = await askReason("Skip this image", SKIP_REASONS, "Skip", { explain: "An engineer decides what becomes of it." });
    if (reason && this.bench.task === task) this.#answer({ skip: reason }, "skipped");
  }

  #answer(body, words) {
    whisper(`${fileName(this.bench.task.name)}: ${words}. Saved.`);
    this.session.answer(body);
  }

  commands() {
    return [
      { keys: ["Enter"], group: "Answer", text: "Save the boxes and go to the next image", once: true, run: () => this.onSave() },
      { keys: ["N"], group: "Answer", text: "No defect", once: true, run: () => this.onNoDefect() },
      { keys: ["S"], group: "Answer", text: "Skip with a reason", once: true, run: () => this.onSkip() },
      { keys: ["K", "PageUp"], group: "Answer", text: "Previous image", run: () => this.session.back() },
      { keys: ["J", "PageDown"], group: "Answer", text: "Next image (after looking back)", run: () => this.session.forward() },
      ...this.bench.commands(),
    ];
  }
}
