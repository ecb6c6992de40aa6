"""What the emulator knows, service by service: taken as it is at one moment, and put back.

What CloudFormation deploys changes only when something is deployed, so it is taken then. The rest is live.
"""

import copy
import hashlib
import pickle
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from local.emulator import cognito
from local.emulator.greengrass import identity
from local.emulator.greengrass import state as greengrass
from local.emulator.sagemaker import feature_groups, job_life, jobs, labeling_jobs, offline_store, registry

LIVE = (
    "cloudwatch", "cloudwatch_logs", "codebuild", "cognito", "dynamodb", "ecr", "eventbridge", "glue", "iot", "ses",
    "sns", "sqs", "ssm", "stepfunctions",
)  # fmt: skip
# Copied as they are pickled, which nothing interrupts: a copy of its own would take seconds with many items.
LARGE = ("cloudwatch", "cloudwatch_logs", "dynamodb", "sqs", "stepfunctions")
LAYERS = "layers"
FUNCTIONS = "lambda"
TABLES = "dynamodb"
KILLED = "InternalServerError: the local stack was killed while the job ran"

# Ours: by service, the dictionaries of its modules.
OURS: dict[str, tuple[tuple[ModuleType, str], ...]] = {
    "sagemaker": (
        (feature_groups, "_groups"), (jobs, "_jobs"), (labeling_jobs, "_jobs"), (offline_store, "_rows"),
        (registry, "_groups"), (registry, "_packages"), (registry, "_by_token"),
    ),
    "greengrass": (
        (greengrass, "recipes"), (greengrass, "created"), (greengrass, "deployments"), (greengrass, "tokens"),
        (greengrass, "devices"), (greengrass, "executions"), (identity, "aliases"),
    ),
    "sign-in": ((cognito, "_sessions"),),
}  # fmt: skip
SESSIONS = "sts"  # temporary keys that devices hold
ALL_LIVE = (*LIVE, *OURS, SESSIONS)
State = tuple[float, bytes]  # when it was taken by the clock of its process, and the state pickled


def taken(name: str) -> State | None:
    """Return the state of a service, None where it was never used."""
    now = time.monotonic()
    if name in OURS:
        found: Any = [dict(getattr(module, store)) for module, store in OURS[name]]
    elif name == SESSIONS:
        from ministack.services import sts

        found = dict(sts._sessions)
    else:
        found = _of_ministack(name)
    return None if found is None else (now, pickle.dumps(found))


def _of_ministack(name: str) -> Any:
    from ministack import app

    # Some are used by other services alone, and never routed to.
    module: Any = sys.modules.get(f"ministack.services.{app._state_map[name]}")
    if module is None or not hasattr(module, "get_state"):
        return None
    if name not in LARGE:
        return module.get_state()
    here = threading.get_ident()

    def not_copied(value: Any, memo: Any = None) -> Any:
        return value if threading.get_ident() == here else copy.deepcopy(value, memo)

    module.copy = SimpleNamespace(**{**vars(copy), "deepcopy": not_copied})
    try:
        return module.get_state()
    finally:
        module.copy = copy


def deployed(folder: Path) -> dict[str, State]:
    """Return the states that only a deployment changes. The archives of layers go into files of their own."""
    from ministack import app
    from ministack.services import lambda_svc

    found = several([name for name in app._state_map if name not in (*LIVE, FUNCTIONS)])
    state = lambda_svc.get_state()
    for layer in state["layers"].all_values():
        for version in layer["versions"]:
            version["_zip_data"] = _put_aside(folder, version["_zip_data"])
    return {**found, FUNCTIONS: (time.monotonic(), pickle.dumps(state))}


def _put_aside(folder: Path, body: bytes) -> str:
    name = hashlib.sha256(body).hexdigest()
    place = folder / LAYERS / name
    if not place.exists():
        place.parent.mkdir(exist_ok=True)
        half = place.with_suffix(".new")
        half.write_bytes(body)
        half.replace(place)
    return name


def several(names: list[str]) -> dict[str, State]:
    return {name: state for name in names if (state := taken(name)) is not None}


def put_back(states: Mapping[str, State], folder: Path) -> None:
    """Give all services of this process what they knew."""
    from ministack import app
    from ministack.services import sts

    for name, (_, data) in states.items():
        state = pickle.loads(data)  # noqa: S301 (nobody else may write into the folder)
        if name in OURS:
            for (module, store), known in zip(OURS[name], state, strict=True):
                getattr(module, store).update(known)
        elif name == SESSIONS:
            sts._sessions.update(state)
        elif state:
            if name == FUNCTIONS:
                for layer in state["layers"].all_values():
                    for version in layer["versions"]:
                        version["_zip_data"] = (folder / LAYERS / version["_zip_data"]).read_bytes()
            app._get_module(app._state_map[name]).load_persisted_state(state)


def end_what_ran() -> None:
    """End the jobs that ran, and let every message in a queue come again at once."""
    from ministack.services import sqs

    for store in (jobs._jobs, labeling_jobs._jobs):
        for job in store.values():
            status = next(key for key in job if key.endswith("JobStatus"))
            if job[status] not in job_life.ENDED:
                job |= {status: "Failed", "FailureReason": KILLED}
    for queue in sqs._queues.all_values():
        for message in queue["messages"]:
            message["visible_at"] = min(message["visible_at"], sqs.time.time())
