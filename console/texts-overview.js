// @ts-check
// What the overview says; part of texts.js.

import { count } from "./format.js";

export const overviewTexts = {
  overview: {
    title: "Overview",
    images: "Images",
    noImages: "No images yet. Upload some under incoming/.",
    imageStates: {
      NEW: "new",
      CLAIMED: "being labelled",
      APPROVED: "labelled",
      REJECTED: "not settled",
      QUARANTINED: "in quarantine",
      REMOVED: "removed",
    },
    needs: "Needs you",
    nothingNeeded: "Nothing needs you.",
    label: (/** @type {number} */ images) => `${count(images, "image")} to label`,
    verify: (/** @type {number} */ labels) => `${count(labels, "label")} to verify`,
    decide: (/** @type {number} */ models) => `${count(models, "model")} to approve or reject`,
    settle: (/** @type {number} */ images) => `${count(images, "image")} that people could not settle`,
    failed: (/** @type {string} */ machine, /** @type {string} */ problem, /** @type {string} */ when) =>
      `${machine} ${problem} (${when})`,
    details: "Details: workflows and executions",
    machines: {
      label_images: "Labelling",
      train_model: "Training",
      deploy_model: "Roll-out",
      score_batch: "Scoring",
    },
    workflows: "Workflows",
    nothingRan: "No workflow has run yet.",
    workflowToDraw: "Workflow to show",
    workflow: (/** @type {string} */ workflow, /** @type {number} */ running) =>
      running ? `${workflow} · ${running} running` : workflow,
    executions: "Executions",
    runStates: {
      RUNNING: "running",
      SUCCEEDED: "succeeded",
      FAILED: "failed",
      TIMED_OUT: "out of time",
      ABORTED: "stopped",
      PENDING_REDRIVE: "waits to go on",
    },
    executionColumns: ["Workflow", "Execution", "Status", "State", "Started", "Problem"],
    models: "Models",
    noModels: "No model yet. One is registered when enough images are approved and the gate accepts it.",
    modelColumns: ["Model", "State", "mAP@.50", "mAP@.50:.95", "Created", "Dataset", "Decision"],
    version: (/** @type {number} */ version) => `version ${version}`,
    engineerDecides: "an engineer decides",
    approve: "Approve",
    approveVersion: (/** @type {number} */ version) => `Approve version ${version}`,
    reject: "Reject …",
    rejectButton: "Reject",
    rejectVersion: (/** @type {number} */ version) => `Reject version ${version}`,
    confirmApproval: (/** @type {number} */ version) => `Approve version ${version}?`,
    approvalExplained: (
      /** @type {number} */ version,
      /** @type {string} */ map50,
      /** @type {number} */ devices,
      /** @type {number | undefined} */ inService,
    ) =>
      `Version ${version} (mAP@.50 ${map50}) is rolled out to ${count(devices, "device")} in stages; ` +
      "each device first tests it on its golden images." +
      (inService ? ` It replaces version ${inService}, which is in service.` : ""),
    runOn: (/** @type {number} */ version, /** @type {number} */ devices) =>
      devices ? `Version ${version} runs on ${count(devices, "device")}.` : `No device runs version ${version}.`,
    approveAndDeploy: "Approve and roll out",
    decided: (/** @type {number} */ version, /** @type {boolean} */ approved) =>
      `Version ${version} is ${approved ? "approved: its roll-out begins" : "rejected"}.`,
    devices: "Devices",
    noDevices: "No devices yet.",
    deviceColumns: ["Device", "Status", "Model", "Health", "Last seen"],
    deviceStates: { HEALTHY: "healthy", UNHEALTHY: "not healthy", UNKNOWN: "unknown" },
    healthy: "healthy",
    notHealthy: "not healthy",
    healthUnknown: "unknown",
    wrongModel: "wrong model",
    silent: (/** @type {string} */ since) => `silent since ${since}`,
    problems: "Devices with a problem",
    more: (/** @type {number} */ devices) => `${count(devices, "more device", "more devices")}, in the table below`,
  },

  workflowGraph: {
    states: (/** @type {string} */ machine) => `States of ${machine}`,
    description: (
      /** @type {string} */ machine,
      /** @type {number} */ states,
      /** @type {string[]} */ running,
    ) => `Workflow ${machine}: ${states} states; ${running.length ? `running: ${running.join(", ")}` : "none running"}`,
    running: (/** @type {number} */ number, /** @type {string} */ state) => `${number} in ${state}`,
    state: (/** @type {string} */ state, /** @type {number} */ running) =>
      running ? `${state}: ${running} running` : state,
  },
};
