"""The people who may sign in, and the first of them, whom a deployment invites."""

from client.doctor.deployed import Deployed
from client.doctor.findings import Findings, note, ok, wrong
from client.doctor.template import Template, configured
from client.target import Place

PARAMETER, USER = "FirstEngineer", "FirstEngineerUser"
SUBJECT = "first engineer"
OTHERWISE = "or make a user afterwards: `sightline user add NAME --engineer`"


def first_engineer(place: Place, template: Template, stack: Deployed | None) -> Findings:
    """Say whether the next deployment can invite the first engineer; nothing of a stack that has none.

    CloudFormation makes the user once, and fails where somebody else has made a user of that name.
    """
    given = configured(place.stack).get(PARAMETER)
    address = given if given is not None else (stack.parameters if stack else {}).get(PARAMETER, "")
    if not address:
        return [] if stack else [note(SUBJECT, "nobody is invited", f"set {PARAMETER}, {OTHERWISE}")]
    if not template.takes(PARAMETER, address):
        return [wrong(SUBJECT, f"{address!r} is no e-mail address in small letters", f"change {PARAMETER}")]
    own = {one.name: one.id for one in stack.resources} if stack else {}
    if stack and own.get("UserPool") and own.get(USER) != address and _is_there(stack, own["UserPool"], address):
        said = f"the user {address} was made by somebody already, and AWS makes none twice: the deployment would fail"
        return [wrong(SUBJECT, said, f"set {PARAMETER} to nothing or to another address")]
    return [ok(SUBJECT, f"{address} is invited" if own.get(USER) != address else f"{address} was invited")]


def users(stack: Deployed) -> Findings:
    """Look whether anybody can sign in."""
    if stack.aws.cognito.list_users(UserPoolId=stack.outputs["UserPoolId"], Limit=1)["Users"]:
        return [ok("users", "somebody can sign in")]
    return [note("users", "nobody can sign in to the page", "`sightline user add NAME --engineer`")]


def _is_there(stack: Deployed, pool: str, name: str) -> bool:
    client = stack.aws.cognito
    try:
        client.admin_get_user(UserPoolId=pool, Username=name)
    except client.exceptions.UserNotFoundException:
        return False
    return True
