"""Names of permissions: the emulator asks for an operation's own name where AWS has no permission of that name.

It also asks for the right to write a function's concurrency where somebody reads it. Rules of the default event bus
have the bus in the ARN that it asks with, which they don't have on AWS, or none where somebody asks for their targets.
"""

import re
from typing import Any

# Source: Service Authorization Reference; tests/contracts/aws/test_permissions.py holds all names against it.
ASKED = {
    "kms:ReEncrypt": "kms:ReEncryptFrom",
    "sns:PublishBatch": "sns:Publish",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}
CONCURRENCY = "lambda:PutFunctionConcurrency"
CONCURRENCY_BY_METHOD = {"GET": "lambda:GetFunctionConcurrency", "DELETE": "lambda:DeleteFunctionConcurrency"}
OF_DEFAULT_BUS = ":rule/default/"
TARGETS_OF = re.compile(rb'"Rule": ?"([^"]+)"')  # what ListTargetsByRule, PutTargets and RemoveTargets ask with


def register() -> None:
    """Let the emulator of this process ask for the permissions that AWS has."""
    from ministack.core import iam_actions

    known, resource_arn = iam_actions.extract_iam_action, iam_actions.extract_resource_arn

    def extract_iam_action(service: str, method: str, *request: Any) -> str | None:
        action: str | None = known(service, method, *request)
        if action == CONCURRENCY:
            return CONCURRENCY_BY_METHOD.get(method, CONCURRENCY)
        return None if action is None else ASKED.get(action, action)

    def extract_resource_arn(
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
    ) -> str:
        found = str(resource_arn(service, method, path, headers, body, query, region, account))
        if service == "events" and found == "*" and (rule := TARGETS_OF.search(body)):
            return f"arn:aws:events:{region}:{account}:rule/{rule[1].decode()}"
        return found.replace(OF_DEFAULT_BUS, ":rule/")

    iam_actions.extract_iam_action, iam_actions.extract_resource_arn = extract_iam_action, extract_resource_arn
