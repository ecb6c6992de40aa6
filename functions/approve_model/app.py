"""Approve or reject a model, for engineers; the registry's event then starts its deployment.

Requests and answers are in docs/reference/console-api.md. API Gateway has checked the caller's token before this
runs.
"""

import os

from aws_lambda_powertools import Logger

from sightline.api.http import ENGINEERS, Access, Api, RequestError
from sightline.api.shapes import Judged, Judgement
from sightline.aws.clients import Aws
from sightline.aws.people import FourEyes, FourEyesMode, People
from sightline.models.registry import MAX_REASON, Registry
from sightline.models.states import ModelStateError
from sightline.rollout.approvals import Approvals, DecidedMeanwhileError, OwnTrainingError, UnknownModelError

logger = Logger()
aws = Aws()
approvals = Approvals(
    aws,
    Registry(aws, os.environ["MODEL_PACKAGE_GROUP"]),
    os.environ["DEPLOYMENTS_TABLE"],
    os.environ["THING_GROUP_ARN"],
    FourEyes(FourEyesMode(os.environ["FOUR_EYES"]), People(aws, os.environ["USER_POOL_ID"], ENGINEERS).names),
)
api = Api({UnknownModelError: 404, ModelStateError: 409, DecidedMeanwhileError: 409, OwnTrainingError: 409})


@api.route("POST /models/{version}/approval", access=Access.ENGINEER, body=Judgement)
def approve_model(version: int) -> Judged:
    """Approve or reject a model. An approval starts its roll-out. A model in service is rolled back, not rejected."""
    engineer, sent = api.person.name, api.json()
    approved, reason = sent.get("approved"), sent.get("reason", "")
    if not isinstance(approved, bool):
        raise RequestError(f"approved must be true or false, got {approved!r:.50}")
    if not isinstance(reason, str) or len(reason) > MAX_REASON or not reason.isprintable():
        raise RequestError(f"reason must be a text of at most {MAX_REASON} characters, in one line")
    state = approvals.decide(version, approved=approved, by=engineer, reason=reason)
    logger.info("model judged by a person", version=version, state=state, engineer=engineer)
    return {"version": version, "state": state}


handler = api.handler
