"""Names of permissions: the emulator asks for an operation's own name where AWS has no permission of that name.

A role that follows AWS would be refused; one that was widened until it works here would name what AWS does not have.
"""

from typing import Any

# Source: Service Authorization Reference; tests/contracts/aws/test_permissions.py holds all names against it.
ASKED = {
    "kms:ReEncrypt": "kms:ReEncryptFrom",
    "sns:PublishBatch": "sns:Publish",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}


def register() -> None:
    """Let the emulator of this process ask for the permissions that AWS has."""
    from ministack.core import iam_actions

    known = iam_actions.extract_iam_action

    def extract_iam_action(*request: Any) -> str | None:
        action = known(*request)
        return None if action is None else ASKED.get(action, action)

    iam_actions.extract_iam_action = extract_iam_action
