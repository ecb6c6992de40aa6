"""Sign in without a stored key: a role for an hour, asked for anew when the hour ends.

`steps/credentials.sh` is the credential process of a step's AWS profiles. On GitHub the job's own OIDC token is
exchanged; elsewhere the credentials that are there, such as CodeBuild's, take on the role.
"""

import json
import urllib.parse
import urllib.request
from collections.abc import Mapping

from pipelines.place import Bootstrapped, StepError

AUDIENCE = "sts.amazonaws.com"
SECONDS = 3600  # the longest where one role takes on another
SESSION = "sightline-pipeline"


def credentials(place: Bootstrapped, role: str, variables: Mapping[str, str]) -> dict[str, str | int]:
    """Return the credentials of a role as the AWS SDKs take them from a process."""
    arn, sts = place.role(role), place.aws.sts
    if variables.get("ACTIONS_ID_TOKEN_REQUEST_URL"):
        keys = sts.assume_role_with_web_identity(
            RoleArn=arn, RoleSessionName=SESSION, WebIdentityToken=github_token(variables), DurationSeconds=SECONDS
        )["Credentials"]
    else:
        keys = sts.assume_role(RoleArn=arn, RoleSessionName=SESSION, DurationSeconds=SECONDS)["Credentials"]
    return {
        "Version": 1,
        "AccessKeyId": keys["AccessKeyId"],
        "SecretAccessKey": keys["SecretAccessKey"],
        "SessionToken": keys["SessionToken"],
        "Expiration": keys["Expiration"].isoformat(),
    }


def github_token(variables: Mapping[str, str]) -> str:
    """Return the job's token. Raise StepError where the job may not have one."""
    url, key = variables["ACTIONS_ID_TOKEN_REQUEST_URL"], variables.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "")
    if not key:
        raise StepError("the job may not ask for a token; give it `permissions: id-token: write`")
    asked = f"{url}{'&' if '?' in url else '?'}audience={urllib.parse.quote(AUDIENCE)}"
    request = urllib.request.Request(asked, headers={"Authorization": f"bearer {key}"})  # noqa: S310 (GitHub's own)
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return str(json.load(answer)["value"])
