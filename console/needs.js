// @ts-check
// What waits for the person who looks: tasks, models and images to decide about, and what failed. Each is a link.

import { h } from "./dom.js";
import { ago } from "./format.js";
import { texts } from "./texts.js";

/** @import { Execution, Job, JobKind, Overview } from "./types.d.ts" */

/** @typedef {{ text: string, href: string, isBad?: boolean }} Need */

const FAILED = new Set(["FAILED", "TIMED_OUT"]); // what a person stopped needs nobody
/** @type {Record<string, string>} */
const MACHINES = texts.overview.machines;

/**
 * What a person calls a workflow.
 * @param {string} machine
 */
export const machineName = (machine) => MACHINES[machine] ?? machine;

/**
 * The images that a person could label or verify now.
 * @param {Job[]} jobs
 * @param {JobKind} kind
 */
function waiting(jobs, kind) {
  const open = jobs.filter((job) => job.kind === kind && job.status === "OPEN" && job.remaining > 0);
  const mine = open.filter((job) => (job.answered_by_you ?? 0) < job.total);
  return mine.reduce((sum, job) => sum + job.remaining, 0);
}

/**
 * The newest execution of each workflow, where it failed: an older failure was followed by one that went well.
 * @param {Execution[]} executions the newest first
 */
function failures(executions) {
  const ended = executions.filter((execution) => execution.status !== "RUNNING");
  const newest = new Map([...ended].reverse().map((execution) => [execution.machine, execution]));
  return [...newest.values()].filter((execution) => FAILED.has(execution.status));
}

/**
 * How many tasks wait, for the badge of the navigation.
 * @param {Job[]} jobs
 */
export const tasksWaiting = (jobs) => waiting(jobs, "labeling") + waiting(jobs, "verification");

/**
 * @param {Overview} overview
 * @param {Job[]} jobs
 * @param {boolean} isEngineer
 * @returns {Need[]}
 */
export function needsOf({ executions, models, images }, jobs, isEngineer) {
  const { label, verify, decide, settle, failed } = texts.overview;
  const [toLabel, toVerify] = [waiting(jobs, "labeling"), waiting(jobs, "verification")];
  const candidates = models.filter((model) => model.state === "candidate").length;
  const open = images.REJECTED ?? 0;
  return [
    ...failures(executions).map(({ machine, problem, started_at: at }) => ({
      text: failed(machineName(machine), problem, ago(at)), href: "#details", isBad: true,
    })),
    ...(toLabel ? [{ text: label(toLabel), href: "#/jobs" }] : []),
    ...(toVerify ? [{ text: verify(toVerify), href: "#/jobs" }] : []),
    ...(candidates && isEngineer ? [{ text: decide(candidates), href: "#models" }] : []),
    ...(open && isEngineer ? [{ text: settle(open), href: "#/attention" }] : []),
  ];
}

/**
 * @param {Need[]} needs
 * @param {(place: string) => void} goTo a place of this page
 */
export function needsList(needs, goTo) {
  if (!needs.length) return h("p", { class: "muted" }, texts.overview.nothingNeeded);
  const link = (/** @type {Need} */ { text, href, isBad }) => {
    const isHere = !href.startsWith("#/");
    const onclick = (/** @type {MouseEvent} */ event) => {
      event.preventDefault(); // the address says which view is shown
      goTo(href.slice(1));
    };
    const options = { class: isBad ? "need bad" : "need", href, ...(isHere && { onclick }) };
    return h("li", {}, h("a", options, text));
  };
  return h("ul", { class: "needs", "aria-label": texts.overview.needs }, needs.map(link));
}
