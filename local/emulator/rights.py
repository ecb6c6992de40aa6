"""What a role may do, asked of the emulator's own IAM.

For calls that the emulator makes inside itself and therefore does not check: what Step Functions does in the name of a
state machine's role, and what SageMaker does in the name of a job's.
"""

import json
import os
import threading
import time
from typing import Any

import boto3.session

from local.account import ACCOUNT, REGION, Credentials
from local.emulator.aws_shapes import AwsError, Structure
from local.emulator.keys import role_credentials, root_credentials


def refuse_unless_allowed(role_arn: str, action: str, resource: str, context: Structure | None = None) -> None:
    """Raise AwsError AccessDeniedException unless the policies of the role allow `action` on `resource`.

    `context` holds condition keys in lower case, such as `iam:passedtoservice`.
    """
    from ministack.core.iam_evaluator import EvalContext, _gather_role_policies, evaluate

    name = role_arn.rsplit("/", 1)[-1]
    caller = f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/emulator"
    asked = EvalContext(
        principal_arn=caller,
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region=REGION,
        service_context=context or {},
    )
    if evaluate(asked, _gather_role_policies(name, ACCOUNT)).decision != "Allow":
        raise AwsError(
            "AccessDeniedException",
            f"User: {caller} is not authorized to perform: {action} on resource: {resource} "
            f"because no identity-based policy of the role allows it",
        )


def refuse_unless_trusting(role_arn: str, service: str) -> None:
    """Raise AwsError ValidationException unless the role exists and lets `service` assume it."""
    from ministack.services import iam

    role = iam._roles.get_scoped(ACCOUNT, None, role_arn.rsplit("/", 1)[-1])
    if role is None or role.get("Arn") != role_arn or not trusts(role["AssumeRolePolicyDocument"], service):
        raise AwsError(
            "ValidationException",
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
            f"'{service}' to assume the role.",
        )


def trusts(document: str | Structure, service: str) -> bool:
    """Return whether a trust lets a service take the role for this account."""
    from ministack.core.iam_evaluator import EvalContext, _conditions_met, _service_principal_matches

    asked = EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account=ACCOUNT,
        action="sts:AssumeRole",
        resource_arn="*",
        region=REGION,
        service_context={"aws:sourceaccount": ACCOUNT},
    )
    policy: Structure = json.loads(document) if isinstance(document, str) else document
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    return any(
        statement["Effect"] == "Allow"
        and _service_principal_matches(statement.get("Principal"), service)
        and _conditions_met(statement.get("Condition", {}), asked)
        for statement in statements
    )


class RoleSession:
    """Clients with the rights of a role that a service has taken, so that its policies are proven by use. Keys are
    renewed before they expire.
    """

    RENEW_SECONDS = 1800

    def __init__(self, role_arn: str) -> None:
        self._role_arn, self._lock = role_arn, threading.Lock()
        self._clients: dict[str, object] = {}  # by service
        self._made = 0.0

    def client(self, service: str) -> Any:
        with self._lock:
            if time.monotonic() - self._made > self.RENEW_SECONDS:
                self._clients, self._made = {}, time.monotonic()
            if service not in self._clients:
                self._clients[service] = _connect(service, self._keys())
            return self._clients[service]

    def _keys(self) -> Credentials:
        return role_credentials(self._role_arn, "SageMaker")


def root_client(service: str) -> Any:
    """Return a client of the emulator with the rights of its root user, for what AWS does by itself."""
    return _connect(service, root_credentials())


def _connect(service: str, keys: Credentials) -> Any:
    session: Any = boto3.session.Session()  # not the default one, which is not made for threads
    return session.client(service, endpoint_url=f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}", **keys)
