// What is going on: images, running workflows on their graphs, models to decide about, devices.

import { ago, askReason, confirm, count, fill, h, say, table } from "./dom.js";
import { drawGraph } from "./graph.js";
import { number, tile } from "./jobs.js";
import { LiveView } from "./live.js";

const STATUSES = {
  NEW: "new", CLAIMED: "in labelling", APPROVED: "approved", REJECTED: "given up", QUARANTINED: "quarantined", REMOVED: "removed",
  ATTENTION: "need attention",
};
const MODELS = { PendingManualApproval: "waits for you", Approved: "approved", Rejected: "rejected" };
const GOOD = new Set(["Approved", "SUCCEEDED", "HEALTHY"]);
const BAD = new Set(["Rejected", "FAILED", "TIMED_OUT", "ABORTED", "UNHEALTHY"]);

export class OverviewView extends LiveView {
  title = "Overview";
  #workflows = new Map();
  #shown = null;

  async load() {
    const overview = await this.app.api.overview();
    const machines = [...new Set(overview.executions.map((execution) => execution.machine))];
    const wanted = [...new Set([...machines, ...(overview.machines ?? [])])];
    // A workflow's graph changes only with a deployment: asked for once.
    for (const machine of wanted) {
      if (!this.#workflows.has(machine)) this.#workflows.set(machine, await this.app.api.workflow(machine).catch(() => null));
    }
    return overview;
  }

  render({ images, executions, models, devices }) {
    const counts = Object.entries(images).filter(([, value]) => value > 0);
    fill(
      this.element,
      h("h1", {}, "Overview"),
      h("h2", {}, "Images"),
      counts.length
        ? h("dl", { class: "tiles" }, counts.map(([status, value]) => tile(value.toLocaleString("en"), STATUSES[status] ?? status.toLowerCase())))
        : h("p", { class: "muted" }, "No image yet. Upload some under incoming/."),
      h("h2", {}, "Workflows"),
      this.#runs(executions),
      h("h2", {}, "Models"),
      this.#models(models),
      h("h2", {}, "Devices"),
      this.#devices(devices),
    );
  }

  #runs(executions) {
    const running = executions.filter((execution) => execution.status === "RUNNING");
    const machines = [...new Set([...running, ...executions].map((execution) => execution.machine))].filter((machine) => this.#workflows.get(machine));
    if (!executions.length) return h("p", { class: "muted" }, "Nothing has run yet.");
    if (!machines.includes(this.#shown)) this.#shown = machines[0];
    const rows = executions.map((execution) => [
      execution.machine, execution.name, badge(execution.status), execution.state ?? "–", ago(execution.started_at),
    ]);
    const choose = (machine) => {
      this.#shown = machine;
      draw();
    };
    const tabs = h("div", { class: "row", role: "group", "aria-label": "Workflow to draw" });
    const frame = h("div", {});
    const draw = () => {
      fill(
        tabs,
        machines.map((machine) => {
          const number = running.filter((execution) => execution.machine === machine).length;
          const text = number ? `${machine} · ${number} running` : machine;
          return h("button", { type: "button", "aria-pressed": String(machine === this.#shown), onclick: () => choose(machine) }, text);
        }),
      );
      const current = new Map();
      for (const execution of running.filter((each) => each.machine === this.#shown && each.state)) {
        current.set(execution.state, (current.get(execution.state) ?? 0) + 1);
      }
      fill(frame, this.#shown && drawGraph(this.#workflows.get(this.#shown), current));
      // Later: the first time it is not in the document yet.
      requestAnimationFrame(() => frame.querySelector(".current")?.scrollIntoView?.({ block: "nearest", inline: "center" }));
    };
    draw();
    return h("div", {}, tabs, frame, table("Executions", ["Workflow", "Execution", "Status", "State", "Started"], rows));
  }

  #models(models) {
    if (!models.length) return h("p", { class: "muted" }, "No model yet. One comes when enough images are approved and the gate accepts it.");
    const rows = models.map((model) => [
      `version ${model.version}`,
      badge(model.status, MODELS[model.status]),
      number(model.map50, 3),
      number(model.map50_95, 3),
      ago(model.created),
      h("code", {}, model.dataset_version ?? "–"),
      this.#decision(model),
    ]);
    return table("Models", ["Model", "Status", "mAP@.50", "mAP@.50:.95", "Made", "Dataset", "Decision"], rows);
  }

  #decision(model) {
    if (model.status !== "PendingManualApproval") return "";
    if (!this.app.api.isEngineer) return h("span", { class: "muted" }, "an engineer decides");
    return h(
      "div",
      { class: "row" },
      h("button", { type: "button", class: "primary", "aria-label": `Approve version ${model.version}`, onclick: () => this.#approve(model) }, "Approve"),
      h("button", { type: "button", "aria-label": `Reject version ${model.version}`, onclick: () => this.#reject(model) }, "Reject …"),
    );
  }

  async #approve(model) {
    const text = `Version ${model.version} (mAP@.50 ${number(model.map50, 3)}) goes to the devices by stages; each proves it on golden images first.`;
    if (await confirm(`Approve version ${model.version}?`, text, "Approve and deploy")) await this.#judge(model, true, "");
  }

  async #reject(model) {
    const reason = await askReason(`Reject version ${model.version}`, [], "Reject", { required: false });
    if (reason !== null) await this.#judge(model, false, reason);
  }

  async #judge(model, approved, reason) {
    try {
      await this.app.api.judgeModel(model.version, approved, reason);
      say(`Version ${model.version} is ${approved ? "approved: its deployment begins" : "rejected"}.`, "good");
      await this.refresh();
    } catch (error) {
      say(error.message, "bad");
    }
  }

  #devices(devices) {
    if (!devices.length) return h("p", { class: "muted" }, "No device yet.");
    const sick = devices.filter((device) => device.healthy === false).length;
    const rows = devices.map((device) => [
      device.thing,
      device.status ?? "–",
      device.model ?? "–",
      badge(device.healthy === null || device.healthy === undefined ? "–" : device.healthy ? "HEALTHY" : "UNHEALTHY", { true: "healthy", false: "not healthy" }[device.healthy] ?? "not said yet"),
      ago(device.seen_at),
    ]);
    return h("div", {}, sick > 0 && h("p", { class: "banner bad" }, `${count(sick, "device")} not healthy.`), table("Devices", ["Device", "Status", "Model", "Health", "Seen"], rows));
  }
}

function badge(status, text = status.toLowerCase().replace(/_/g, " ")) {
  const kind = GOOD.has(status) ? "good" : BAD.has(status) ? "bad" : "";
  return h("span", { class: `badge ${kind}` }, text);
}
