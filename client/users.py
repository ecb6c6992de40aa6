"""People who may sign in: made with the caller's AWS rights, for nobody can sign up by himself."""

import contextlib
import json
import re
import secrets
from pathlib import Path

from client.target import Target
from sightline.api.http import ENGINEERS
from sightline.api.shapes import Session
from sightline.errors import SightlineError

LOCAL_USER = "inspector"
NAME = re.compile(r"[\w.@+=,:/!#$%&*~-]{1,128}")


class UserError(SightlineError):
    """A user could not be made or signed in."""


def new_password() -> str:
    """Return a random password of what the user pool's rules ask for."""
    return secrets.token_urlsafe(18) + "aA1"


def add(target: Target, name: str, *, engineer: bool = False) -> str:
    """Make a user who has to choose a password at the first sign-in. Return the one that works until then."""
    if not NAME.fullmatch(name):
        raise UserError(f"{name!r} is no user's name: 1 to 128 letters, digits and signs, without spaces")
    client, pool, password = target.aws.cognito, target.outputs["UserPoolId"], new_password()
    try:
        client.admin_create_user(UserPoolId=pool, Username=name, TemporaryPassword=password, MessageAction="SUPPRESS")
    except client.exceptions.UsernameExistsException:
        raise UserError(f"there is a user {name!r} already") from None
    if engineer:
        client.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=ENGINEERS)
    return password


def set_password(target: Target, name: str, password: str, *, engineer: bool = False) -> None:
    """Give a user this password for good; the user is made where there is none."""
    client, pool = target.aws.cognito, target.outputs["UserPoolId"]
    with contextlib.suppress(client.exceptions.UsernameExistsException):
        client.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS")
    client.admin_set_user_password(UserPoolId=pool, Username=name, Password=password, Permanent=True)
    if engineer:
        client.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=ENGINEERS)


def sign_in(target: Target, name: str, password: str) -> Session:
    """Return the session of a user, as POST /session gives it. Raise UserError when it is refused."""
    status, answer = target.call_api("POST", "/session", {"username": name, "password": password})
    if status != 200:
        raise UserError(f"sign-in of {name!r} was refused: {status} {answer}")
    session: Session = answer
    return session


def local_user(target: Target, home: Path) -> tuple[dict[str, str], bool]:
    """Return the user of the stack on this machine, an engineer, and whether the password is a new one.

    It is kept in `user.json` of the local run's folder, for its owner alone, so that it lives as long as that folder.
    """
    place = home / "user.json"
    new = not place.is_file()
    if new:
        half = place.with_suffix(".new")
        half.touch(mode=0o600)
        half.write_text(json.dumps({"username": LOCAL_USER, "password": new_password()}))
        half.replace(place)
    try:
        user: dict[str, str] = json.loads(place.read_text())
    except ValueError as error:
        raise UserError(f"{place} can't be read ({error}); delete it, and `sightline up` makes a new user") from error
    set_password(target, user["username"], user["password"], engineer=True)
    return user, new
