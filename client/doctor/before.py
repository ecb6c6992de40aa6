"""The checks before a deployment: this machine, the account, its region and quotas."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from client.doctor import account, machine, people, quotas
from client.doctor.deployed import Deployed
from client.doctor.findings import Check
from client.doctor.template import Template, configured
from client.target import Place


def parameters(template: Template, place: Place, deployed: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters that count: the stack's where it is there, else samconfig.toml's and the defaults."""
    return {**template.defaults, **configured(place.stack), **deployed}


def checks(place: Place, template: Template, stack: Deployed | None) -> Iterator[Check]:
    """Give each check of an account in the order in which a person meets what they look at.

    `stack` is the one that the deployment would change, None before the first.
    """
    caller, chosen = account.Caller(place), parameters(template, place, stack.parameters if stack else {})
    yield Check("stack name", lambda: account.stack_name(place))
    yield Check("credentials", caller.credentials)
    yield Check("region", lambda: account.region(place))
    yield Check("rights", lambda: caller.rights(template.types))
    yield Check(people.SUBJECT, lambda: people.first_engineer(place, template, stack))
    for subject, ask in quotas.questions(place.aws, chosen):
        yield Check(subject, ask)


def machine_checks() -> list[Check]:
    return machine.checks(Path())
