"""Service Quotas, which MiniStack does not have: the quotas that Sightline's command asks for.

The emulator itself limits nothing by them; it runs one job or a hundred. The values are those of a new account that has
asked for one instance of each kind. `quotas.json` in the folder of the stack, an object of values by quotas' names,
stands for what an account was given instead, such as 0.
"""

import json
import os
from pathlib import Path
from typing import Any

from local.emulator.aws_shapes import Query, Structure

TARGET = "ServiceQuotasV20190624"
INSTANCES = ("ml.c5.xlarge", "ml.g4dn.xlarge", "ml.g5.xlarge", "ml.m5.large", "ml.m5.xlarge")
USES = ("training job usage", "spot training job usage", "processing job usage")
PLAYED: dict[str, dict[str, float]] = {
    "sagemaker": {f"{instance} for {use}": 1 for instance in INSTANCES for use in USES},
    "codebuild": {"Concurrently running builds for Linux/Medium environment": 1},
    "lambda": {"Concurrent executions": 10},
}
LISTS = ("ListServiceQuotas", "ListAWSDefaultServiceQuotas")


def values(service: str, given: dict[str, float]) -> dict[str, float]:
    """Return the quotas of a service by name."""
    return {name: given.get(name, value) for name, value in PLAYED[service].items()}


async def handle_request(
    _method: str, _path: str, headers: dict[str, str], body: bytes, _query: Query
) -> tuple[int, dict[str, str], bytes]:
    """Answer one HTTP request, as MiniStack asks its services to."""
    operation, request = headers.get("x-amz-target", "").rsplit(".", 1)[-1], json.loads(body or b"{}")
    service = request.get("ServiceCode", "")
    if operation not in LISTS:
        return _error("UnknownOperationException", f"the emulator knows only {' and '.join(LISTS)}")
    if service not in PLAYED:
        return _error("NoSuchResourceException", f"The request failed because the service {service} does not exist.")
    file = Path(os.environ["SIGHTLINE_JOBS_DIR"]).parent / "quotas.json"
    given = json.loads(file.read_text()) if file.is_file() and operation == LISTS[0] else {}
    quotas = [{"ServiceCode": service, "QuotaName": name, "Value": value}
              for name, value in values(service, given).items()]  # fmt: skip
    return _answer(200, {"Quotas": quotas})


def _error(code: str, message: str) -> tuple[int, dict[str, str], bytes]:
    return _answer(400, {"__type": code, "Message": message})


def _answer(status: int, value: Structure) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(value).encode()


def register() -> None:
    """Hook into the emulator of this process: routing and IAM."""
    from ministack import app
    from ministack.core import iam_actions, router

    handlers: Any = app.SERVICE_HANDLERS
    handlers["servicequotas"] = handle_request
    router.SERVICE_PATTERNS["servicequotas"] = {
        "target_prefixes": [f"{TARGET}."],
        "credential_scope": "servicequotas",
        "host_patterns": [],
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE["servicequotas"] = "servicequotas"
