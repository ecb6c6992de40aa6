"""Requests that the OpenAPI document allows and forbids, sent to the API of a stack, with good and bad tokens."""

import base64
import itertools
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from client import users
from tests.console_line import PASSWORD, Line, until
from tests.openapi import DOCUMENT

RANDOM = "random"  # parts of paths as the document allows or forbids them
SECONDS = 60  # a function that starts cold on a machine with much to do
NO_MODEL = "no model is in service; approve one first"
Case = Any  # schemathesis' own type, which no other may subclass


@dataclass(frozen=True)
class Tokens:
    """What a caller may show: `good` ones of an engineer and an annotator, and what must never open anything."""

    good: tuple[str, ...]
    bad: tuple[str | None, ...]

    @classmethod
    def of(cls, line: Line) -> "Tokens":
        engineer, annotator = (
            users.sign_in(line.target, line.user(name, engineer=name == "eve"), PASSWORD)["id_token"]
            for name in ("eve", "anna")
        )
        head, claims, signature = engineer.split(".")
        pool, cognito = line.target.outputs["UserPoolId"], line.target.client("cognito-idp")
        given = cognito.admin_initiate_auth(
            UserPoolId=pool,
            ClientId=cognito.list_user_pool_clients(UserPoolId=pool)["UserPoolClients"][0]["ClientId"],
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "eve", "PASSWORD": PASSWORD},
        )["AuthenticationResult"]
        unsigned = encoded({"alg": "none", "typ": "JWT"})
        bad = (
            None,
            "",
            "Bearer",
            "Bearer ",
            "Basic ZXZlOmV2ZQ==",
            "Bearer a.b.c",
            f"Bearer {given['AccessToken']}",  # of the right people, for another purpose
            f"Bearer {given['RefreshToken']}",
            f"Bearer {head}.{claims}.{signature[:-6]}AAAAAA",
            f"Bearer {unsigned}.{claims}.",
            f"Bearer {head}.{encoded({'cognito:username': 'eve', 'cognito:groups': ['engineers']})}.{signature}",
            "Bearer " + "x" * 7000,
        )
        return cls((f"Bearer {engineer}", f"Bearer {engineer}", f"Bearer {annotator}"), bad)

    def in_turn(self) -> Iterator[tuple[str | None, bool]]:
        """Tokens and whether they are good, three good ones for each bad one."""
        good = itertools.cycle(self.good)
        for bad in itertools.cycle(self.bad):
            yield from ((next(good), True) for _ in range(3))
            yield bad, False


def parts_of(line: Line, job: str, newest_model: int) -> dict[str, Any]:
    """Parts of paths that lead to something: of this job, with a task that anna has, and of the newest model."""
    token = users.sign_in(line.target, line.user("anna"), PASSWORD)["id_token"]
    [task] = until(lambda: line.target.call_api("POST", f"/jobs/{job}/next", {"count": 1}, token)[1].get("tasks"))
    return {
        "job_id": job,
        "task_id": task["task_id"],
        "image_id": task["image_id"],
        "version": newest_model,
        "machine": "label_images",
        "file": "index.html",
    }


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@dataclass
class Fuzz:
    """Asks the API of a stack; `known` are parts of paths that there are. `wrong` has what must not have been said."""

    line: Line
    known: dict[str, Any]
    may_lack_model: bool
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def run(self, requests_wanted: int) -> None:
        """Send about so many requests, as many to each route and of each kind; the same ones each time."""
        tokens, session = Tokens.of(self.line).in_turn(), requests.Session()
        operations = [found.ok() for found in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()]
        ways = list(itertools.product(operations, GenerationMode, (RANDOM, "known")))
        each = -(-requests_wanted // len(ways))
        for operation, mode, parts in ways:
            given_parts = {part.name: self.known[part.name] for part in operation.path_parameters}
            strategy = operation.as_strategy(
                generation_mode=mode, path_parameters=given_parts if parts != RANDOM and given_parts else None
            )

            @settings(
                max_examples=each,
                database=None,
                derandomize=True,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(strategy)
            def ask(case: Case) -> None:
                token, good = next(tokens)
                self._ask(session, case, token, good)

            with suppress(Unsatisfiable):  # a route without parameters and body can't be asked wrongly
                ask()

    def _ask(self, session: requests.Session, case: Case, token: str | None, good: bool) -> None:
        version = (case.path_parameters or {}).get("version")
        if isinstance(version, int) and version < self.known["version"]:
            case.path_parameters["version"] = self.known["version"]  # the model in service stays
        case.headers.pop("Authorization", None)
        headers = {} if token is None else {"Authorization": token}
        answer = case.call(base_url=self.line.target.api_url, session=session, headers=headers, timeout=SECONDS)
        self.statuses[answer.status_code] += 1
        told = (
            f"{case.method} {case.formatted_path[:200]} with {str(token)[:20]}: {answer.status_code} {answer.text:.200}"
        )
        if answer.status_code >= 500 and not (self.may_lack_model and NO_MODEL in answer.text):
            self.wrong.append(told)
        if not good and case.operation.definition.raw.get("security") and answer.status_code < 400:
            self.wrong.append(f"let in: {told}")
