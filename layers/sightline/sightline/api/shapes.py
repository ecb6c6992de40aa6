"""What the HTTP API takes and gives, as types: the OpenAPI document and the page's types are made from these."""

from typing import Literal, NotRequired, TypedDict

from sightline.images.box import Box
from sightline.models.states import ModelState
from sightline.vision.verdict import Outcome


class Credentials(TypedDict):
    """A sign-in: name and password, or a new password for the `session` of a challenge, or a refresh token alone."""

    username: NotRequired[str]
    password: NotRequired[str]
    session: NotRequired[str]
    new_password: NotRequired[str]
    refresh_token: NotRequired[str]


class RefreshToken(TypedDict):
    """What ends a session."""

    refresh_token: str


class Session(TypedDict):
    """Tokens of a person; `expires_in` in seconds. A refresh gives no new `refresh_token`."""

    id_token: str
    expires_in: int
    username: str
    groups: list[str]
    refresh_token: NotRequired[str]


class JobShown(TypedDict):
    """A labelling or verification job. `created_at` in milliseconds since 1970; `annotators`: people for each image."""

    job_id: str
    kind: Literal["labeling", "verification"]
    round: int
    total: int  # images
    remaining: int  # images
    status: Literal["OPEN", "CLOSING", "DONE", "WITHDRAWN"]
    classes: list[str]
    annotators: int
    created_at: int
    answered_by_you: int | None  # null where one person answers each image


class Jobs(TypedDict):
    jobs: list[JobShown]  # the open ones, the oldest first
    four_eyes: bool  # whether a label is verified by somebody who did not draw it


class WorkerProgress(TypedDict):
    answers: int
    per_hour: float | None  # null for fewer than two answers


class JobProgress(JobShown):
    """A job and who has done how much. `agreement` in 0..1, the mean of finished images, null for one annotator."""

    workers: dict[str, WorkerProgress]
    answers: int
    per_hour: float | None
    agreement: float | None
    skipped: int


class TaskCount(TypedDict):
    count: NotRequired[int]  # 1..32; 1 where it is not given


class Proposed(Box):
    """A box that the model in service proposes."""

    score: float  # 0..1


class TaskShown(TypedDict):
    """An image that a person labels or verifies."""

    task_id: str
    image_id: str
    image_url: str  # presigned, for an hour
    name: str  # the object's key
    width: int  # pixels
    height: int
    annotations: list[Box] | None  # what was labelled; null for an image that never was
    proposals: list[Proposed] | None
    rejection: str | None  # why the image came back
    annotated_by: list[str]
    agreement: float | None  # 0..1
    lease_expires_at: int | None  # milliseconds since 1970


class Tasks(TypedDict):
    tasks: list[TaskShown]


class Answer(TypedDict):
    """What a person says of an image.

    Labelling: `annotations` (an empty list says "no defect"), or `skip` with the reason why it can't be labelled.
    Verification: `approved` true, with corrected `annotations` if any; or false with the `reason`.
    """

    annotations: NotRequired[list[Box]]
    skip: NotRequired[str]
    approved: NotRequired[bool]
    reason: NotRequired[str]


class TaskAnswered(TaskShown):
    answer: Answer | None  # the caller's own


class Saved(TypedDict):
    status: Literal["saved"]
    remaining: int  # images of the job


class Lease(TypedDict):
    lease_expires_at: int  # milliseconds since 1970


class ExecutionShown(TypedDict):
    machine: str
    name: str
    status: str
    started_at: str  # ISO 8601
    state: str | None  # the one that it is or ended in
    problem: str  # why it ended badly, in one line; empty otherwise


class ModelShown(TypedDict):
    version: int
    state: ModelState
    said: str  # who decided about it and why, empty before
    map50: float | None  # 0..1
    map50_95: float | None
    created: str  # ISO 8601
    dataset_version: str
    training_job: str


class DeviceShown(TypedDict):
    thing: str
    status: str  # what the nucleus says; NEVER SEEN for a device that never connected
    model: str  # the version that runs, empty for none
    model_state: ModelState | None  # what that model is; null for no model
    healthy: bool | None  # its components run, it has proven the model, and it is not silent; null where nobody knows
    wrong: bool  # it runs a model that is not in service, and is not on its way
    silent: bool  # longer than DeviceSilentSeconds
    problem: str  # what is wrong with it, in a sentence; empty for nothing
    seen_at: str | None  # ISO 8601


class Overview(TypedDict):
    """Everything at a glance; the counts of images may be 10 s old."""

    images: dict[str, int]  # by status
    executions: list[ExecutionShown]
    models: list[ModelShown]
    devices: list[DeviceShown]
    image_problem: str | None  # why the training image could not be built


class GraphState(TypedDict):
    name: str
    type: str


GraphEdge = TypedDict("GraphEdge", {"from": str, "to": str, "label": str, "error": NotRequired[bool]})
"""The way from one state to the next one; `error` where it is taken on an error."""


class Workflow(TypedDict):
    """A workflow as it is deployed."""

    machine: str
    start: str
    states: list[GraphState]
    edges: list[GraphEdge]


class AttentionImage(TypedDict):
    """An image that waits for an engineer."""

    image_id: str
    name: str  # the object's key
    image_url: str  # presigned, for an hour
    why: str
    annotations: list[Box] | None  # the last label
    width: int  # pixels
    height: int
    status: Literal["APPROVED", "REJECTED"]


class Attention(TypedDict):
    images: list[AttentionImage]  # at most 200, the longest unchanged first
    classes: list[str]


class Settlement(TypedDict):
    action: Literal["relabel", "accept", "drop"]


class Settled(TypedDict):
    image_id: str
    status: Literal["NEW", "APPROVED", "QUARANTINED"]


class Judgement(TypedDict):
    approved: bool
    reason: NotRequired[str]  # at most 500 characters


class Judged(TypedDict):
    version: int
    state: ModelState


Found = TypedDict("Found", {"box": list[float], "score": float, "label": str, "class": str, "class_id": int})
"""A defect that the model sees: x1, y1, x2, y2 in pixels of the image, score in 0..1; `class` and `label` are the
same."""


class Prediction(TypedDict):
    """The verdict on one image with the model in service, as a device gives it."""

    model_version: str
    verdict: Outcome
    detections: list[Found]
    latency_ms: float
