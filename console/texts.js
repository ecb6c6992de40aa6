// @ts-check
// Every text of the page that people read, by the part of the page where it stands; a text with a value in it is a
// function. What the server says (errors, reasons) comes from functions/, the text without JavaScript from index.html.

import { ago, count, LANGUAGE, moment, percent } from "./format.js";
import { keys } from "./texts-keys.js";
import { overviewTexts } from "./texts-overview.js";

/** @param {number} number */
const boxes = (number) => (number ? count(number, "box", "boxes") : "no defect");
/** @param {number} number */
const whole = (number) => number.toLocaleString(LANGUAGE);

export const texts = {
  header: {
    skip: "To the content",
    navigation: "Pages",
    documentTitle: (/** @type {string} */ view) => `${view} · Sightline`,
    pages: { jobs: "Jobs", overview: "Overview", attention: "Attention" },
    waitsForYou: " waiting for you",
    engineer: " (engineer)",
    signOut: "Sign out",
    themes: { auto: "Theme: system", light: "Theme: light", dark: "Theme: dark" },
    waiting: (/** @type {number} */ answers) => `${count(answers, "answer")} waiting to be sent`,
    sendNow: "Send now",
    refused: (/** @type {number} */ answers) => `${count(answers, "answer")} not accepted`,
    confirmSignOut: "Sign out?",
    unsentAtSignOut: (/** @type {number} */ answers) =>
      `${count(answers, "answer")} of yours ${answers === 1 ? "has" : "have"} not been sent yet. ` +
      "They stay in this browser and are sent when you sign in again.",
  },

  general: {
    loading: "Loading …",
    tryAgain: "Try again",
    backToJobs: "Back to the jobs",
    cancel: "Cancel",
    close: "Close",
    problem: "Problem",
    outOfDate: "What you see may be out of date.",
    none: "–",
  },

  noSuchPage: {
    title: "There is no such page",
    explain: (/** @type {string} */ address) => `Nothing is at the address “${address}”. These are the pages:`,
  },

  connection: {
    unreachable: "The server can’t be reached.",
    failed: (/** @type {number} */ status) => `The server is busy or failed (${status}).`,
    answered: (/** @type {number} */ status) => `The server answered ${status}.`,
    sessionOver: "Your session has expired. Sign in again; nothing you did is lost.",
    notSignedIn: "You are not signed in.",
    photo: "The photo can’t be loaded.",
  },

  signIn: {
    title: "Sign in",
    userName: "User name",
    password: "Password",
    newPassword: "New password",
    // The rules of the user pool in the template.
    passwordRules: "At least 12 characters, with a lower-case letter, an upper-case letter and a digit.",
    signIn: "Sign in",
    choosePassword: "Choose password and sign in",
    firstTime: "This is your first sign-in: choose a new password.",
    accounts: "The administrator of this Sightline creates the accounts.",
    keptForOthers: (/** @type {number} */ answers, /** @type {string} */ name) =>
      `${count(answers, "answer")} of ${name} ${answers === 1 ? "is" : "are"} kept in this browser ` +
      `and will be sent when ${name} signs in.`,
    again: "Sign in again",
    sessionOver: "Your session has expired. Nothing you did is lost; it is sent after you sign in.",
  },

  reason: {
    common: "Common reasons",
    own: "Or in your own words",
    optional: "Reason (optional)",
    missing: "Enter a reason.",
  },

  jobs: {
    title: "Jobs",
    kinds: { labeling: "Labelling", verification: "Verification" },
    verbs: { labeling: "Label", verification: "Verify" },
    nothing: "Nothing waits for you.",
    twoEyes: "Who draws a label may verify it too: the check by somebody else is off.",
    howJobsStart: "A job is created a few minutes after new images are uploaded. It appears here without a reload.",
    round: (/** @type {number} */ round) => `round ${round}`,
    name: (/** @type {import("./types.d.ts").Job} */ { total, created_at: at }) =>
      `${count(total, "image")} of ${moment(at)}`,
    progressOf: (/** @type {string} */ job) => `Progress of ${job}`,
    facts: (/** @type {import("./types.d.ts").Job} */ { remaining, total, classes, annotators }) =>
      `${count(remaining, "image")} left of ${whole(total)} · ${classes.join(", ")}` +
      (annotators > 1 ? ` · ${annotators} people for each image` : ""),
    answeredAll: "You have answered every image; other people have not finished.",
    progress: (/** @type {number} */ done, /** @type {number} */ total) => `${done} of ${total}`,
  },

  job: {
    back: "← Jobs",
    opened: (/** @type {string | number} */ time) => `opened ${ago(time)}`,
    progress: "Progress",
    answeredOf: (/** @type {number} */ done, /** @type {number} */ total) => `${whole(done)} of ${whole(total)}`,
    answered: "answered",
    perHour: "answers per hour",
    timeLeft: "left at this pace",
    duration: (/** @type {number} */ hours) => {
      const minutes = Math.ceil(hours * 60);
      if (minutes < 60) return count(minutes, "minute");
      return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
    },
    agreement: "agreement between annotators",
    skipped: "skipped",
    labelNow: "Label now",
    verifyNow: "Verify now",
    done: "This job is done.",
    withdrawn:
      "This job was withdrawn, because its labelling was stopped or failed. Answers that were given are kept; the"
      + " images come again in another job.",
    people: "Answers by person",
    peopleColumns: ["Person", "Answers", "Per hour"],
    nobody: "Nobody has answered yet.",
    gone: "This job is done or was withdrawn. The list shows the open jobs.",
  },

  // One image after the other, in labelling and in verification
  work: {
    asking: "Loading the next image …",
    left: (/** @type {number} */ left, /** @type {number} */ total) => `${whole(left)} of ${whole(total)} left`,
    yourAnswer: "Your answer: ",
    answered: "answered",
    replaceable: (/** @type {string} */ answer) => `${answer}. A new one replaces it while the job is open.`,
    returned: "Returned: ",
    outOfSight: "The photo was out of sight. Look at it, then press the key again.",
    draftRestored: "Your unfinished boxes were restored.",
    separator: " · ",
    noConnection: "No connection.",
    moreWhenBack: " More images are loaded when the connection is back.",
    tryNow: "Try now",
    youAnsweredAll: "You have answered every image.",
    othersStillDo: " Other people have not finished.",
    unsent: (/** @type {number} */ answers) =>
      ` ${count(answers, "answer")} of yours ${answers === 1 ? "waits" : "wait"} here and will be sent.`,
    othersHaveRest: "Other people have the remaining images.",
    comesByItself: " If they return one, it appears here.",
    withdrawn: "This job was withdrawn.",
    withdrawnWhy:
      " Its labelling was stopped or failed. Answers that were given are kept; the other images come again in another"
      + " job.",
    allDone: "All done.",
    noImageLeft: " This job has no images left.",
    storageFullAnswer: "This browser’s storage is full: keep this page open until everything is sent.",
    storageFullDraft: "This browser’s storage is full: save this image before you leave the page.",
    leaseEnds: "Your reservation of this image is about to end. Click or press a key to keep it.",
    leaseLeft: (/** @type {string} */ clock) => `Reserved for you: ${clock}`,
    leaseOver: "Your reservation has ended",
    leaseLost: "This image is no longer yours: ",
    leaseLostWhy: (/** @type {string} */ why) =>
      `your reservation ended without activity, and other people can get the image. (${why}) `,
    nextImage: "Next image",
    previous: "Previous",
    next: "Next",
  },

  answers: {
    skipped: (/** @type {string} */ reason) => `skipped: ${reason}`,
    rejected: (/** @type {string} */ reason) => `rejected: ${reason}`,
    corrected: "corrected and approved",
    approved: "approved",
    boxes,
    refusedTitle: "Answers that were not accepted",
    refused: (/** @type {string} */ image, /** @type {string} */ why) =>
      `${image}: your answer was not accepted. ${why}`,
    conflict: "Someone else has this image now, or its job has ended; their answer counts.",
    gone: "The job or the image no longer exists.",
    yours: (/** @type {string} */ answer) => `Your answer: ${answer}.`,
    sendAgain: "Send again",
    discard: "Discard",
  },

  labelling: {
    title: "Labelling",
    save: "Save and next",
    noDefect: "No defect",
    skip: "Skip …",
    skipTitle: "Skip this image",
    skipReasons: [
      "The photo is blurred or too dark",
      "I can’t tell whether this is a defect",
      "This is not one of our parts",
    ],
    skipButton: "Skip",
    skipExplained: "An engineer decides what happens to it.",
    undecided: (/** @type {number} */ proposals) =>
      `${count(proposals, "proposal")} to decide first: A accepts, X deletes, Shift+A accepts all.`,
    noBox: "There is no box. Draw one, or press N for “no defect”.",
    hasBoxes: (/** @type {number} */ number) =>
      `This image has ${boxes(number)}. Delete ${number === 1 ? "it" : "them"} first, then press “No defect”.`,
    saved: (/** @type {string} */ image, /** @type {string} */ answer) => `${image}: ${answer}. Saved.`,
    skipped: "skipped",
  },

  verification: {
    title: "Verification",
    approve: "Approve",
    saveCorrection: "Save correction and approve",
    reject: "Reject …",
    correct: "Correct",
    discard: "Discard correction",
    grid: "Grid",
    labelledBy: (/** @type {string[]} */ people) => ` · labelled by ${people.join(", ")}`,
    agreement: (/** @type {number} */ agreement) => ` · agreement ${percent(agreement)}`,
    rejectTitle: "Reject this label",
    rejectReasons: [
      "A defect has no box",
      "A box shows no defect",
      "A box is in the wrong place or has the wrong size",
      "Wrong class",
      "The photo is not usable",
    ],
    rejectButton: "Reject",
    rejectExplained: "The next annotator sees this reason.",
    approved: (/** @type {string} */ image, /** @type {boolean} */ corrected) =>
      `${image}: ${corrected ? "corrected and approved" : "approved"}`,
    howToCorrect: "Correct the boxes, then press Enter to approve them.",
  },

  grid: {
    title: "Verify many at once",
    hint: "Select the correct labels and approve them together. Press Enter or double-click to open one.",
    label: "Labelled images to verify",
    oneAtATime: "One at a time",
    selectAll: "Select all",
    approveSelected: "Approve selected",
    approveNumber: (/** @type {number} */ images) => `Approve ${images}`,
    facts: (/** @type {number} */ left, /** @type {number} */ total, /** @type {number} */ selected) =>
      `${left} of ${total} left · ${selected} selected`,
    notLoaded: "Not loaded. Open it to try again.",
    notSeen: (/** @type {string} */ image) => `${image} was not on the screen yet. Look at it, then select it.`,
    selected: (/** @type {number} */ images) => `${count(images, "image")} selected`,
    approved: (/** @type {number} */ images) => `${count(images, "image")} approved`,
    rejectOne: (/** @type {string} */ image) => `Reject ${image}`,
    rejectMany: (/** @type {number} */ labels) => `Reject ${count(labels, "label")}`,
  },

  stage: {
    label: "Photo with boxes",
    help: "Draw with the pointer, or press D for a new box. Press ? for all keys.",
    loading: "Loading the photo …",
    tiff: "This browser can’t show TIFF photos. Skip it and give that as the reason.",
    notLoaded: "The photo could not be loaded: the network is down, or the link has expired.",
    loadAgain: "Load it again",
    unknownClass: (/** @type {number} */ classId) => `class ${classId}`,
    proposal: (/** @type {number | undefined} */ score) => `? ${score === undefined ? "" : percent(score)}`,
  },

  boxes: {
    title: "Boxes",
    numbered: (/** @type {number} */ number) => (number ? `Boxes (${number})` : "Boxes"),
    none: "None",
    noneYet: "None yet. Draw one, or press “No defect”.",
    drawn: (/** @type {number} */ number) => `Box ${number} drawn`,
    remove: "Delete",
    origins: { proposal: "proposed", accepted: "accepted", label: "", drawn: "" },
    origin: (/** @type {string} */ origin, /** @type {number | undefined} */ score) =>
      score === undefined ? origin : `${origin} ${percent(score)}`,
    place: (/** @type {{left: number, top: number, width: number, height: number}} */ box) =>
      `${box.width} × ${box.height} at ${box.left}, ${box.top}`,
    toDecide: (/** @type {number} */ proposals) => `${count(proposals, "proposal")} from the model to decide.`,
    accept: "Accept",
    acceptAll: "Accept all",
    accepted: (/** @type {number} */ left) => `Accepted, ${count(left, "proposal")} left`,
    allAccepted: (/** @type {number} */ number) => `${count(number, "proposal")} accepted`,
    inTheMiddle: "New box in the middle. Arrow keys move it; Shift and arrow keys resize it.",
  },

  bench: {
    panel: "Boxes and view",
    classes: "Class",
    search: "Search …",
    searchTitle: "Search a class",
    searchNothing: (/** @type {string} */ typed) => `No class has “${typed.trim()}” in its name.`,
    view: "View",
    contrast: "Contrast",
    contrastKeys: "Contrast (C, Shift+C)",
    brightness: "Brightness",
    brightnessKeys: "Brightness (V, Shift+V)",
    invert: " Invert",
    reset: "Reset",
    percent: (/** @type {number} */ value) => `${value} %`,
    tools: "Zoom and undo",
    zoom: "Zoom",
    undo: "Undo (Ctrl+Z)",
    redo: "Redo (Ctrl+Y)",
    zoomOut: "Zoom out (−)",
    zoomIn: "Zoom in (+)",
    fit: "Whole image (0)",
    keyboard: "Keyboard (?)",
  },

  keys,

  ...overviewTexts,

  attention: {
    title: "Attention",
    heading: "Needs an engineer",
    number: (/** @type {number} */ images) => `${count(images, "image")} that people or the model could not settle.`,
    nothing: "Nothing here.",
    whatComes:
      "Skipped images, images that were returned too often, and labels that a new model contradicts appear here.",
    photo: (/** @type {string} */ image) => `Photo ${image}`,
    noLabel: "no label",
    engineerDecides: "An engineer decides.",
    actions: { relabel: "Label again", accept: "Accept as it is", drop: "Exclude" },
    actionOn: (/** @type {string} */ action, /** @type {string} */ image) => `${action}: ${image}`,
    done: { relabel: "goes back to labelling", accept: "is accepted", drop: "is excluded" },
    settled: (/** @type {string} */ image, /** @type {string} */ outcome) => `${image} ${outcome}.`,
    confirmExclude: (/** @type {string} */ image) => `Exclude ${image}?`,
    excludeExplained: "No model will be trained on this image.",
    boxes: (/** @type {number} */ number) => count(number, "box", "boxes"),
  },
};
