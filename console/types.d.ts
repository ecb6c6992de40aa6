// The shapes of what the API answers (docs/reference/console-api.md), of what the browser keeps, and of what the
// views share. For the type checker only: this file is not served.

import type { Api } from "./api.js";
import type { Keys } from "./keys.js";
import type { Outbox } from "./outbox.js";
import type { Store } from "./store.js";

// What the API answers

/** A rectangle in whole pixels of the image. */
export interface Rectangle {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Box extends Rectangle {
  class_id: number;
}

/** A box that the model in service proposes; `score` in 0..1. */
export interface Proposal extends Box {
  score: number;
}

export type JobKind = "labeling" | "verification";

/** `GET /jobs` */
export interface Jobs {
  jobs: Job[];
  /** Whether a label is verified by somebody who did not draw it. */
  four_eyes: boolean;
}

export interface Job {
  job_id: string;
  kind: JobKind;
  round: number;
  total: number;
  /** Images without all their answers. */
  remaining: number;
  status: "OPEN" | "CLOSING" | "DONE" | "WITHDRAWN";
  classes: string[];
  /** People who answer each image. */
  annotators: number;
  /** Milliseconds since 1970. */
  created_at: number;
  /** Null where one person answers each image. */
  answered_by_you: number | null;
}

export interface Worker {
  answers: number;
  per_hour: number | null;
}

/** `GET /jobs/{job_id}` */
export interface JobProgress extends Job {
  workers: Record<string, Worker>;
  answers: number;
  per_hour: number | null;
  /** 0..1, the mean of the finished images; null where one person answers each image. */
  agreement: number | null;
  skipped: number;
}

/** One image to label or to verify. */
export interface Task {
  task_id: string;
  image_id: string;
  /** Signed, valid for an hour. */
  image_url: string;
  /** Key of the object. */
  name: string;
  width: number;
  height: number;
  annotations: Box[] | null;
  proposals: Proposal[] | null;
  /** Why the image came back. */
  rejection: string | null;
  annotated_by: string[];
  /** 0..1 */
  agreement: number | null;
  /** Milliseconds since 1970; null when nobody holds the task. */
  lease_expires_at: number | null;
}

/** `GET /jobs/{job_id}/tasks/{task_id}` */
export interface AnsweredTask extends Task {
  answer: Answer | null;
}

export interface Labels {
  annotations: Box[];
  skip?: undefined;
  approved?: undefined;
}

export interface Skip {
  skip: string;
  annotations?: undefined;
  approved?: undefined;
}

/** With `annotations`: corrected and approved. */
export interface Approval {
  approved: true;
  annotations?: Box[];
  skip?: undefined;
}

export interface Rejection {
  approved: false;
  reason: string;
  annotations?: undefined;
  skip?: undefined;
}

export type Answer = Labels | Skip | Approval | Rejection;

export interface SavedAnswer {
  status: "saved";
  remaining: number;
}

/** `POST /session` */
export interface SignedIn {
  id_token: string;
  refresh_token?: string;
  /** Seconds. */
  expires_in: number;
  username: string;
  groups: string[];
}

export interface Execution {
  machine: string;
  name: string;
  status: string;
  /** ISO 8601. */
  started_at: string;
  /** The state that it is in or ended in. */
  state: string | null;
  /** Why it ended badly, in one line; empty otherwise. */
  problem: string;
}

/** What a model is; the words are shown as they are. */
export type ModelState =
  | "candidate"
  | "approved"
  | "rolling out"
  | "in service"
  | "replaced"
  | "taken back"
  | "rejected";

export interface Model {
  version: number;
  state: ModelState;
  /** Who decided about it and why; empty before. */
  said: string;
  /** 0..1, on the frozen test set. */
  map50: number | null;
  map50_95: number | null;
  /** ISO 8601. */
  created: string;
  dataset_version: string;
  training_job: string;
}

export interface Device {
  thing: string;
  status: string;
  /** Version of the model component; empty without one. */
  model: string;
  /** What that model is; null without one. */
  model_state: ModelState | null;
  /** Null as long as it said nothing of its model, and while it is silent. */
  healthy: boolean | null;
  /** It runs a model that is not in service, and is not on its way. */
  wrong: boolean;
  silent: boolean;
  /** What is wrong with it, in a sentence; empty for nothing. */
  problem: string;
  /** ISO 8601. */
  seen_at: string | null;
}

/** `GET /overview` */
export interface Overview {
  images: Record<string, number>;
  executions: Execution[];
  models: Model[];
  devices: Device[];
  image_problem: string | null;
}

export interface WorkflowState {
  name: string;
  type: string;
}

export interface WorkflowEdge {
  from: string;
  to: string;
  label: string;
  /** Taken on an error. */
  error?: boolean;
}

/** `GET /workflows/{machine}` */
export interface Workflow {
  machine: string;
  start: string;
  states: WorkflowState[];
  edges: WorkflowEdge[];
}

/** An image about which only an engineer can decide. */
export interface AttentionImage {
  image_id: string;
  name: string;
  image_url: string;
  why: string;
  annotations: Box[] | null;
  width: number;
  height: number;
  status: "APPROVED" | "REJECTED";
}

export type AttentionAction = "relabel" | "accept" | "drop";

// What the browser keeps

/** Who is signed in, in sessionStorage. */
export interface Session {
  username: string;
  groups: string[];
  id_token: string;
  refresh_token: string | undefined;
  /** Milliseconds since 1970. */
  expires_at: number;
}

/** A person has to choose a password of their own before the first sign-in. */
export interface Challenge {
  username: string;
  session: string;
}

export type Origin = "drawn" | "label" | "proposal" | "accepted";

/** A box that is kept between two visits; `origin` as in boxes.js. */
export interface DraftBox extends Box {
  origin: Origin;
  score?: number;
}

/** A box on the stage; `key` is its own as long as it is there. */
export interface KeyedBox extends DraftBox {
  key: number;
}

export interface Draft {
  boxes: DraftBox[];
  kept_at: number;
}

/** Why the server will never take an answer. */
export interface Refusal {
  status: number;
  message: string;
}

/** An answer for the outbox; `name` is the image's, for people. */
export interface NewEntry {
  job_id: string;
  task_id: string;
  name: string;
  body: Answer;
}

/** An answer that waits in the outbox. */
export interface Entry extends NewEntry {
  id: string;
  saved_at: number;
  refused?: Refusal;
}

export interface RefusedEntry extends Entry {
  refused: Refusal;
}

/** A task on this page: `done` when it was answered here. */
export interface WorkTask extends Task {
  done?: boolean;
  answer?: Answer | null;
}

/** Contrast and brightness in percent. */
export interface Filter {
  contrast: number;
  brightness: number;
  invert: boolean;
}

// What the views share

/** A command of the keyboard; see keys.js. */
export interface Command {
  keys: string[];
  run: (event: KeyboardEvent) => unknown;
  text?: string;
  group?: string;
  /** What the overview of the keys shows in place of `keys`. */
  show?: string[];
  when?: (event: KeyboardEvent) => boolean;
  hidden?: boolean;
  once?: boolean;
}

export interface View {
  title: string;
  element: HTMLElement;
  commands(): Command[];
  close(how?: { comesBack?: boolean }): unknown;
}

/** What the views of somebody who is signed in use. */
export interface Context {
  api: Api;
  keys: Keys;
  store: Store;
  outbox: Outbox;
  /** Say in the header how much waits on a page. */
  count: (page: "jobs" | "attention", number: number) => void;
}

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

/** The point (px, py) of the image is drawn at (px * scale + x, py * scale + y) of the stage. */
export interface Placement extends Point {
  scale: number;
}

export type Child = Node | string | null | undefined | false;
export type Children = (Child | readonly Child[])[];

/** What `h` takes: attributes, a class, a data set, and listeners. */
export interface ElementOptions {
  class?: string | null;
  dataset?: Record<string, string | number>;
  onclick?: (event: MouseEvent) => unknown;
  ondblclick?: (event: MouseEvent) => unknown;
  onsubmit?: (event: SubmitEvent) => unknown;
  onkeydown?: (event: KeyboardEvent) => unknown;
  [attribute: string]: unknown;
}
