"""Approve or reject a model, for engineers; the registry's event then starts its deployment.

Requests and answers are in docs/architecture.md, "Console API". API Gateway has checked the caller's token before this
runs.
"""

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from sightline.api import web
from sightline.aws.clients import Aws
from sightline.models.registry import Registry

MAX_REASON = 500  # characters

logger = Logger()
aws = Aws()
registry = Registry(aws, os.environ["MODEL_PACKAGE_GROUP"])


def approve_model(event: dict[str, Any]) -> dict[str, Any]:
    engineer, sent, version = web.require_engineer(event), web.body(event), event["pathParameters"]["version"]
    approved, reason = sent.get("approved"), sent.get("reason", "")
    if not isinstance(approved, bool):
        raise web.RequestError(f"approved must be true or false, got {approved!r:.50}")
    if not isinstance(reason, str) or len(reason) > MAX_REASON:
        raise web.RequestError(f"reason must be a text of at most {MAX_REASON} characters")
    if not version.isdecimal():
        raise web.RequestError(f"a model's version is a number, got {version!r:.50}")
    said = f"{engineer}: {reason}" if reason else f"by {engineer}"
    status = registry.judge(int(version), approved=approved, reason=said)
    if status is None:
        raise web.RequestError(f"no model version {version}; GET /overview lists them", 404)
    logger.info("model judged by a person", version=version, status=status, engineer=engineer)
    return {"version": int(version), "status": status}


@logger.inject_lambda_context
def handler(event: dict, context: LambdaContext) -> dict:
    return web.answered(event, approve_model)
