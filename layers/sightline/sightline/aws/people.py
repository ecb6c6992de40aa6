"""People of the user pool, and the rule that somebody else looks at what a person made."""

import time
from collections.abc import Callable, Collection
from enum import StrEnum

from sightline.aws.clients import Aws

FRESH_SECONDS = 60
ENOUGH = 60  # people, one page of Cognito's: more than ever draw one label
ACTIVE = ("CONFIRMED", "EXTERNAL_PROVIDER")  # statuses of those who have signed in


class FourEyesMode(StrEnum):
    """When somebody else must look at what a person made. The values are those of the parameter FourEyes."""

    AUTO = "auto"  # where there is somebody else who can
    ON = "on"
    OFF = "off"


class People:
    """Those who can sign in; with `group`, those of a group."""

    def __init__(self, aws: Aws, pool_id: str, group: str = "") -> None:
        self.aws = aws
        self.pool_id = pool_id
        self.group = group
        self._asked = float("-inf")
        self._names: frozenset[str] = frozenset()

    def names(self) -> frozenset[str]:
        """Return who they are, at most FRESH_SECONDS old; not all of them where there are many."""
        if time.monotonic() - self._asked > FRESH_SECONDS:
            client, pool = self.aws.cognito, self.pool_id
            if self.group:
                found = client.list_users_in_group(UserPoolId=pool, GroupName=self.group, Limit=ENOUGH)["Users"]
            else:
                found = client.list_users(UserPoolId=pool, Limit=ENOUGH)["Users"]
            self._names = frozenset(
                user["Username"] for user in found if user.get("Enabled") and user.get("UserStatus") in ACTIVE
            )
            self._asked = time.monotonic()
        return self._names


class FourEyes:
    """Whether a person may decide about what others, or the same person, made. `people` are those who can decide."""

    def __init__(self, mode: FourEyesMode, people: Callable[[], Collection[str]]) -> None:
        self.mode = mode
        self.people = people

    def allows(self, person: str, makers: Collection[str]) -> bool:
        """Return whether `person` may decide about what `makers` made."""
        if person not in makers or self.mode == FourEyesMode.OFF:
            return True
        return self.mode == FourEyesMode.AUTO and not set(self.people()) - set(makers)

    @property
    def is_on(self) -> bool:
        """Whether anybody is ever refused."""
        return self.mode == FourEyesMode.ON or (self.mode == FourEyesMode.AUTO and len(self.people()) > 1)
