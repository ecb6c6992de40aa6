"""Whether an environment on GitHub asks a person. Its first job makes one that asks nobody."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping

from pipelines.place import StepError
from sightline.fields import Fields


def check_reviewers(environment: str, variables: Mapping[str, str]) -> None:
    """Raise StepError unless the environment has a rule that asks for reviewers."""
    api, repository, token = (variables.get(name, "") for name in ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GH_TOKEN"))
    if not (api and repository and token):
        raise StepError("set GITHUB_API_URL, GITHUB_REPOSITORY and GH_TOKEN; GitHub Actions has all three")
    request = urllib.request.Request(  # noqa: S310 (GitHub's own address)
        f"{api}/repos/{repository}/environments/{environment}",
        headers={"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            found = Fields(json.load(answer), f"in the environment {environment}")
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        raise StepError(_todo(environment, "does not exist")) from error
    rules = found.values.get("protection_rules")
    kinds = [Fields(rule, "in a rule").text("type", "") for rule in rules] if isinstance(rules, list) else []
    if "required_reviewers" not in kinds:
        raise StepError(_todo(environment, "asks nobody"))


def _todo(environment: str, wrong: str) -> str:
    return (
        f"the environment {environment} {wrong}; make it in the repository's settings under Environments, "
        "with required reviewers"
    )
