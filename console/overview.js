// @ts-check
// What is going on: images, running workflows on their graphs, models to decide about, devices.

import { say, sayError } from "./announce.js";
import { askReason, confirm } from "./dialogs.js";
import { fill, h } from "./dom.js";
import { ago, dateTime, decimal, LANGUAGE } from "./format.js";
import { LiveView } from "./live-view.js";
import { machineName, needsList, needsOf } from "./needs.js";
import { texts } from "./texts.js";
import { table, tile } from "./widgets.js";
import { drawGraph } from "./workflow-graph.js";

/** @import { Context, Device, Execution, Job, Model, ModelState, Overview, Workflow } from "./types.d.ts" */

const GOOD = new Set(["in service", "SUCCEEDED", "HEALTHY"]);
const BAD = new Set(["taken back", "rejected", "FAILED", "TIMED_OUT", "ABORTED", "UNHEALTHY"]);
/** What a person may do with a model. @type {Partial<Record<ModelState, string[]>>} */
const DECISIONS = {
  candidate: ["approve", "reject"],
  approved: ["approve", "reject"],
  replaced: ["approve", "reject"],
  "taken back": ["approve"],
  rejected: ["approve"],
};
/** @type {Record<string, string>} */
const DEVICE_STATES = texts.overview.deviceStates;
const NAMED = 10; // devices with a problem
/** @type {Record<string, string>} */
const IMAGE_STATES = texts.overview.imageStates;
/** @type {Record<string, string>} */
const RUN_STATES = texts.overview.runStates;

/** @extends {LiveView<{ overview: Overview, jobs: Job[] }>} */
export class OverviewView extends LiveView {
  /** @type {Map<string, Workflow | null>} */
  #workflows = new Map();
  /** @type {string | undefined} the workflow whose graph is shown */
  #shown;
  #isOpen = false; // the details are
  /** @type {Device[]} */
  #devices = [];
  /** @type {Model[]} */
  #registered = [];

  /** @param {Context} context */
  constructor(context) {
    super(context, texts.overview.title);
  }

  async load() {
    const [overview, { jobs }] = await Promise.all([this.context.api.overview(), this.context.api.jobs()]);
    // A workflow's graph changes only with a deployment: asked for once.
    for (const { machine } of overview.executions) {
      if (this.#workflows.has(machine)) continue;
      this.#workflows.set(machine, await this.context.api.workflow(machine).catch(() => null));
    }
    return { overview, jobs };
  }

  /** @param {{ overview: Overview, jobs: Job[] }} shown */
  render({ overview, jobs }) {
    const { images, executions, models, devices, image_problem } = overview;
    this.#devices = devices;
    this.#registered = models;
    fill(
      this.element,
      h("h1", {}, texts.overview.title),
      problems(devices),
      image_problem && h("p", { class: "banner bad" }, image_problem),
      h("h2", {}, texts.overview.needs),
      needsList(needsOf(overview, jobs, this.context.api.isEngineer), (place) => this.#goTo(place)),
      h("h2", {}, texts.overview.images),
      imageTiles(images),
      h("h2", { id: "models", tabindex: -1 }, texts.overview.models),
      models.length ? this.#models(models) : muted(texts.overview.noModels),
      h("h2", {}, texts.overview.devices),
      devices.length ? deviceTable(devices) : muted(texts.overview.noDevices),
      this.#details(executions),
    );
  }

  /** @param {Execution[]} executions */
  #details(executions) {
    const body = h("div", { class: "details" });
    const draw = () => {
      if (!this.#isOpen) return;
      fill(body, executions.length ? this.#workflowRuns(executions) : muted(texts.overview.nothingRan));
    };
    const toggle = (/** @type {MouseEvent} */ event) => {
      event.preventDefault(); // what is in it is drawn before it opens, so that it can be scrolled to
      this.#isOpen = !this.#isOpen;
      draw();
      details.open = this.#isOpen;
    };
    draw();
    const summary = h("summary", { onclick: toggle }, texts.overview.details);
    const details = h("details", { id: "details", open: this.#isOpen }, summary, body);
    return details;
  }

  /**
   * Bring a part of this page into sight.
   * @param {string} id
   */
  #goTo(id) {
    const part = document.getElementById(id);
    const summary = part?.querySelector("summary");
    if (summary && !this.#isOpen) summary.click();
    (summary ?? part)?.focus({ preventScroll: true });
    part?.scrollIntoView({ block: "start" });
  }

  /** @param {Execution[]} executions */
  #workflowRuns(executions) {
    const running = executions.filter((execution) => execution.status === "RUNNING");
    const machines = [...new Set([...running, ...executions].map((execution) => execution.machine))].filter((machine) =>
      this.#workflows.get(machine),
    );
    if (!this.#shown || !machines.includes(this.#shown)) this.#shown = machines[0];
    const tabs = h("div", { class: "row", role: "group", "aria-label": texts.overview.workflowToDraw });
    const frame = h("div", {});
    const draw = () => {
      fill(tabs, machines.map((machine) => tab(machine)));
      fill(frame, this.#graph(running));
      requestAnimationFrame(() => showCurrent(frame)); // the first time it is not in the document yet
    };
    const tab = (/** @type {string} */ machine) => {
      const number = running.filter((execution) => execution.machine === machine).length;
      const choose = () => {
        this.#shown = machine;
        draw();
      };
      const options = { type: "button", "aria-pressed": String(machine === this.#shown), onclick: choose };
      return h("button", options, texts.overview.workflow(machineName(machine), number));
    };
    draw();
    return h("div", {}, executionTable(executions), h("h2", {}, texts.overview.workflows), tabs, frame);
  }

  /** @param {Execution[]} running */
  #graph(running) {
    const workflow = this.#shown && this.#workflows.get(this.#shown);
    if (!workflow) return null;
    /** @type {Map<string, number>} */
    const current = new Map();
    for (const { machine, state } of running) {
      if (machine === this.#shown && state) current.set(state, (current.get(state) ?? 0) + 1);
    }
    return drawGraph(workflow, current);
  }

  /** @param {Model[]} models */
  #models(models) {
    const rows = models.map((model) => [
      texts.overview.version(model.version),
      badge(model.state),
      decimal(model.map50, 3),
      decimal(model.map50_95, 3),
      ago(model.created),
      h("code", {}, model.dataset_version || texts.general.none),
      this.#decision(model),
    ]);
    return table(texts.overview.models, texts.overview.modelColumns, rows);
  }

  /** @param {Model} model */
  #decision(model) {
    const { version } = model;
    const allowed = DECISIONS[model.state] ?? [];
    const waits = model.state === "candidate";
    if (!this.context.api.isEngineer) {
      return waits ? h("span", { class: "muted" }, texts.overview.engineerDecides) : "";
    }
    const approve = {
      type: "button", class: waits ? "primary" : "quiet", "aria-label": texts.overview.approveVersion(version),
      onclick: () => this.#approve(model),
    };
    const reject = {
      type: "button", class: waits ? null : "quiet", "aria-label": texts.overview.rejectVersion(version),
      onclick: () => this.#reject(model),
    };
    return h(
      "div",
      { class: "row" },
      allowed.includes("approve") && h("button", approve, texts.overview.approve),
      allowed.includes("reject") && h("button", reject, texts.overview.reject),
    );
  }

  /** @param {Model} model */
  async #approve({ version, map50 }) {
    const inService = this.#registered.find((model) => model.state === "in service")?.version;
    const text = texts.overview.approvalExplained(version, decimal(map50, 3), this.#devices.length, inService);
    if (await confirm(texts.overview.confirmApproval(version), text, texts.overview.approveAndDeploy)) {
      await this.#judge(version, true, "");
    }
  }

  /** @param {Model} model */
  async #reject({ version }) {
    const title = texts.overview.rejectVersion(version);
    const runs = this.#devices.filter((device) => device.model && packageOf(device.model) === version).length;
    const explain = texts.overview.runOn(version, runs);
    const reason = await askReason(title, [], texts.overview.rejectButton, { required: false, explain });
    if (reason !== null) await this.#judge(version, false, reason);
  }

  /**
   * @param {number} version
   * @param {boolean} approved
   * @param {string} reason
   */
  async #judge(version, approved, reason) {
    try {
      await this.context.api.judgeModel(version, approved, reason);
      say(texts.overview.decided(version, approved), "good");
      await this.refresh();
    } catch (error) {
      sayError(error);
    }
  }
}

/**
 * Scroll a graph to the state in which an execution is; the page stays where it is.
 * @param {HTMLElement} frame
 */
function showCurrent(frame) {
  const graph = frame.querySelector(".graph-frame");
  const current = frame.querySelector(".current");
  if (!graph || !current) return;
  const [outer, inner] = [graph.getBoundingClientRect(), current.getBoundingClientRect()];
  graph.scrollTop += inner.top - outer.top - (outer.height - inner.height) / 2;
  graph.scrollLeft += inner.left - outer.left - (outer.width - inner.width) / 2;
}

/** @param {Record<string, number>} images */
function imageTiles(images) {
  const counts = Object.entries(images).filter(([, value]) => value > 0);
  if (!counts.length) return muted(texts.overview.noImages);
  const tiles = counts.map(([status, value]) =>
    tile(value.toLocaleString(LANGUAGE), IMAGE_STATES[status] ?? status.toLowerCase()),
  );
  return h("dl", { class: "tiles" }, tiles);
}

/** @param {Execution[]} executions */
function executionTable(executions) {
  const rows = executions.map((execution) => [
    machineName(execution.machine),
    h("code", {}, execution.name),
    badge(execution.status, RUN_STATES[execution.status]),
    execution.state ?? texts.general.none,
    ago(execution.started_at),
    execution.problem,
  ]);
  return table(texts.overview.executions, texts.overview.executionColumns, rows);
}

/** What is wrong with devices, each named until it is mended. @param {Device[]} devices */
function problems(devices) {
  // What runs and must not comes first.
  const found = devices.filter((device) => device.problem).sort((a, b) => Number(b.wrong) - Number(a.wrong));
  if (!found.length) return null;
  const named = found.slice(0, NAMED).map((device) => h("li", {}, device.problem));
  const more = found.length > NAMED && h("li", {}, texts.overview.more(found.length - NAMED));
  return h("ul", { class: "banner bad", "aria-label": texts.overview.problems }, named, more);
}

/** @param {Device[]} devices */
function deviceTable(devices) {
  const rows = devices.map((device) => [
    device.thing,
    device.silent ? texts.general.none : (DEVICE_STATES[device.status] ?? device.status),
    modelOf(device),
    healthBadge(device),
    ago(device.seen_at),
  ]);
  return table(texts.overview.devices, texts.overview.deviceColumns, rows);
}

/** @param {Device} device */
function modelOf(device) {
  if (!device.model) return texts.general.none;
  const state = device.wrong && badge("UNHEALTHY", device.model_state ?? texts.overview.wrongModel);
  return h("span", { class: "row" }, device.model, state);
}

/** The number of the model whose component a device runs. @param {string} component */
function packageOf(component) {
  const [, minor, patch] = component.split(".").map(Number);
  return (minor ?? 0) * 1_000_000 + (patch ?? 0);
}

/** @param {Device} device */
function healthBadge({ healthy, wrong, silent, seen_at }) {
  if (silent && seen_at) return badge("UNHEALTHY", texts.overview.silent(dateTime(seen_at)));
  if (wrong) return badge("UNHEALTHY", texts.overview.wrongModel);
  if (typeof healthy !== "boolean") return badge("", texts.overview.healthUnknown);
  return healthy ? badge("HEALTHY", texts.overview.healthy) : badge("UNHEALTHY", texts.overview.notHealthy);
}

/** @param {string} status */
function badge(status, text = status.toLowerCase().replace(/_/g, " ")) {
  const kind = GOOD.has(status) ? "good" : BAD.has(status) ? "bad" : "";
  return h("span", { class: `badge ${kind}` }, text);
}

/** @param {string} text */
function muted(text) {
  return h("p", { class: "muted" }, text);
}
