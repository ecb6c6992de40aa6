// @ts-check
// The jobs that are open, and the progress of one.

import { fill, h } from "./dom.js";
import { ago, decimal, LANGUAGE, percent } from "./format.js";
import { LiveView } from "./live-view.js";
import { tasksWaiting } from "./needs.js";
import { texts } from "./texts.js";
import { emptyState, progressBar, table, tile } from "./widgets.js";

/** @import { Context, Job, JobProgress, Jobs } from "./types.d.ts" */

/** @param {Job} job */
const jobPath = (job) => `#/jobs/${encodeURIComponent(job.job_id)}`;
/** @param {Job} job */
const workPath = (job) => `${jobPath(job)}/work`;
/** @param {Job} job */
const kindBadge = (job) => h("span", { class: `badge ${job.kind}` }, texts.jobs.kinds[job.kind]);
/** @param {Job} job */
const roundBadge = (job) => h("span", { class: "badge" }, texts.jobs.round(job.round));

/** @extends {LiveView<Jobs>} */
export class JobsView extends LiveView {
  /** @param {Context} context */
  constructor(context) {
    super(context, texts.jobs.title);
  }

  load() {
    return this.context.api.jobs();
  }

  /** @param {Jobs} jobs */
  render({ jobs, four_eyes }) {
    const waiting = jobs.filter((job) => job.status === "OPEN" && job.remaining > 0);
    this.context.count("jobs", tasksWaiting(jobs));
    fill(
      this.element,
      h("h1", {}, texts.jobs.title),
      !four_eyes && h("p", { class: "muted" }, texts.jobs.twoEyes),
      waiting.length
        ? h("ul", { class: "cards" }, waiting.map(jobCard))
        : emptyState(texts.jobs.nothing, texts.jobs.howJobsStart),
    );
  }
}

/** @param {Job} job */
function jobCard(job) {
  const verb = texts.jobs.verbs[job.kind];
  const open = { class: "button primary", href: workPath(job), "aria-label": [verb, job.job_id].join(" ") };
  return h(
    "li",
    { class: "card" },
    h(
      "div",
      { class: "card-head" },
      kindBadge(job),
      job.round > 1 && roundBadge(job),
      h("span", { class: "muted" }, ago(job.created_at)),
    ),
    h("h2", {}, h("a", { href: jobPath(job) }, texts.jobs.name(job))),
    h("code", { class: "muted" }, job.job_id),
    progressBar(job.total - job.remaining, job.total, texts.jobs.progressOf(job.job_id)),
    h("p", { class: "muted" }, texts.jobs.facts(job)),
    (job.answered_by_you ?? 0) >= job.total
      ? h("p", {}, texts.jobs.answeredAll)
      : h("a", open, verb),
  );
}

/** @extends {LiveView<JobProgress>} */
export class JobView extends LiveView {
  /**
   * @param {Context} context
   * @param {string} jobId
   */
  constructor(context, jobId) {
    super(context, jobId);
    this.jobId = jobId;
  }

  load() {
    return this.context.api.job(this.jobId);
  }

  /** @param {JobProgress} job */
  render(job) {
    const work = h("a", { class: "button primary", href: workPath(job) });
    work.textContent = job.kind === "labeling" ? texts.job.labelNow : texts.job.verifyNow;
    fill(
      this.element,
      h("p", {}, h("a", { href: "#/jobs" }, texts.job.back)),
      h("h1", {}, texts.jobs.name(job)),
      h("code", { class: "muted" }, job.job_id),
      h(
        "div",
        { class: "card-head" },
        kindBadge(job),
        roundBadge(job),
        h("span", { class: "muted" }, texts.job.opened(job.created_at)),
      ),
      progressBar(job.total - job.remaining, job.total, texts.job.progress),
      progressTiles(job),
      h("p", {}, job.status === "OPEN" && job.remaining > 0 ? work : over(job)),
      h("h2", {}, texts.job.people),
      peopleTable(job),
    );
  }
}

/** @param {JobProgress} job */
function over(job) {
  return job.status === "WITHDRAWN" ? texts.job.withdrawn : texts.job.done;
}

/** @param {JobProgress} job */
function progressTiles(job) {
  const hoursLeft = job.per_hour && job.remaining ? job.remaining / job.per_hour : null;
  const agreement = typeof job.agreement === "number" ? percent(job.agreement) : texts.general.none;
  return h(
    "dl",
    { class: "tiles" },
    tile(texts.job.answeredOf(job.total - job.remaining, job.total), texts.job.answered),
    tile(decimal(job.per_hour, 0), texts.job.perHour),
    tile(hoursLeft === null ? texts.general.none : texts.job.duration(hoursLeft), texts.job.timeLeft),
    tile(agreement, texts.job.agreement),
    tile(String(job.skipped), texts.job.skipped),
  );
}

/** @param {JobProgress} job */
function peopleTable(job) {
  const workers = Object.entries(job.workers).sort((a, b) => b[1].answers - a[1].answers);
  if (!workers.length) return h("p", { class: "muted" }, texts.job.nobody);
  const rows = workers.map(([name, work]) => [name, work.answers.toLocaleString(LANGUAGE), decimal(work.per_hour, 0)]);
  return table(texts.job.people, texts.job.peopleColumns, rows);
}
