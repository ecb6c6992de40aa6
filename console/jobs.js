// The jobs that are open, and how one goes on.

import { ago, count, fill, h, progressBar, table } from "./dom.js";
import { LiveView } from "./live.js";

const KINDS = { labeling: "Labelling", verification: "Verification" };
const VERBS = { labeling: "Label", verification: "Verify" };

export const jobPath = (job) => `#/jobs/${encodeURIComponent(job.job_id)}`;
const workPath = (job) => `${jobPath(job)}/work`;

export class JobsView extends LiveView {
  title = "Jobs";

  load() {
    return this.app.api.jobs();
  }

  render(jobs) {
    const open = jobs.filter((job) => job.status === "OPEN");
    const waiting = open.filter((job) => job.remaining > 0);
    fill(
      this.element,
      h("h1", {}, "Jobs"),
      waiting.length
        ? h("ul", { class: "cards" }, waiting.map((job) => this.#card(job)))
        : h(
            "div",
            { class: "empty-state" },
            h("p", {}, h("strong", {}, "Nothing to do.")),
            h("p", {}, "New images make a job by themselves, some minutes after they are uploaded. It appears here without a reload."),
          ),
    );
  }

  #card(job) {
    const done = job.total - job.remaining;
    return h(
      "li",
      { class: "card" },
      h(
        "div",
        { class: "card-head" },
        h("span", { class: `badge ${job.kind}` }, KINDS[job.kind] ?? job.kind),
        job.round > 1 && h("span", { class: "badge" }, `round ${job.round}`),
        h("span", { class: "muted" }, ago(job.created_at)),
      ),
      h("h2", {}, h("a", { href: jobPath(job) }, job.job_id)),
      progressBar(done, job.total, `Progress of ${job.job_id}`),
      h("p", { class: "muted" }, `${count(job.remaining, "image")} left of ${job.total.toLocaleString("en")} · ${job.classes.join(", ")}${people(job)}`),
      job.answered_by_you >= job.total
        ? h("p", {}, "You have answered every image; others still do.")
        : h("a", { class: "button primary", href: workPath(job), "aria-label": `${VERBS[job.kind]} ${job.job_id}` }, VERBS[job.kind] ?? "Open"),
    );
  }
}

/** Each image may be asked of several people. */
function people(job) {
  return job.annotators > 1 ? ` · ${job.annotators} people for each image` : "";
}

export class JobView extends LiveView {
  constructor(app, jobId) {
    super(app);
    this.jobId = jobId;
    this.title = jobId;
  }

  load() {
    return this.app.api.job(this.jobId);
  }

  render(job) {
    const done = job.total - job.remaining;
    const workers = Object.entries(job.workers ?? {}).sort((a, b) => b[1].answers - a[1].answers);
    const hoursLeft = job.per_hour ? job.remaining / job.per_hour : null;
    fill(
      this.element,
      h("p", {}, h("a", { href: "#/jobs" }, "← Jobs")),
      h("h1", {}, job.job_id),
      h(
        "div",
        { class: "card-head" },
        h("span", { class: `badge ${job.kind}` }, KINDS[job.kind] ?? job.kind),
        h("span", { class: "badge" }, `round ${job.round}`),
        h("span", { class: "muted" }, `opened ${ago(job.created_at)}`),
      ),
      progressBar(done, job.total, "Progress"),
      h(
        "dl",
        { class: "tiles" },
        tile(`${done.toLocaleString("en")} of ${job.total.toLocaleString("en")}`, "answered"),
        tile(number(job.per_hour, 0), "answers an hour"),
        tile(hoursLeft === null || !job.remaining ? "–" : duration(hoursLeft), "to go at this pace"),
        tile(typeof job.agreement === "number" ? `${Math.round(job.agreement * 100)} %` : "–", "agreement between annotators"),
        tile(String(job.skipped ?? 0), "skipped"),
      ),
      job.status === "OPEN" && job.remaining > 0
        ? h("p", {}, h("a", { class: "button primary", href: workPath(job) }, `${VERBS[job.kind]} now`))
        : h("p", {}, "This job is done."),
      h("h2", {}, "Who did what"),
      workers.length
        ? table("Answers by person", ["Person", "Answers", "An hour"], workers.map(([name, work]) => [name, work.answers.toLocaleString("en"), number(work.per_hour, 0)]))
        : h("p", { class: "muted" }, "Nobody has answered yet."),
    );
  }
}

export function tile(value, label) {
  return h("div", { class: "tile-number" }, h("dt", {}, label), h("dd", {}, value));
}

export function number(value, digits) {
  return typeof value === "number" ? value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits }) : "–";
}

function duration(hours) {
  const minutes = Math.ceil(hours * 60);
  if (minutes < 60) return count(minutes, "minute");
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
