"""Findings of checks, and how checks run: one that breaks is a finding itself and stops no other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 (botocore's, of which all kinds of a missing network are)
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)

from sightline.errors import SightlineError

UNREACHED = 2  # checks that found no network
# What AWS answers where the caller may not ask.
REFUSED = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "AccessDeniedFault")


class Verdict(StrEnum):
    """What a check found. Only WRONG counts against a stack."""

    OK = "ok"
    NOTE = "note"  # nothing is wrong; it is good to know
    NOT_CHECKED = "not checked"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `todo` says what to do; it is empty where there is nothing to do."""

    verdict: Verdict
    subject: str  # what was looked at, such as `uploads queue`
    text: str
    todo: str = ""

    def __str__(self) -> str:
        return f"{self.verdict:11} {self.subject}: {self.text}" + (f"; {self.todo}" if self.todo else "")


Findings = Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Check:
    """A question to an account or a machine. `subject` names it where it breaks."""

    subject: str
    ask: Callable[[], Findings]


def ok(subject: str, text: str) -> Finding:
    return Finding(Verdict.OK, subject, text)


def note(subject: str, text: str, todo: str = "") -> Finding:
    return Finding(Verdict.NOTE, subject, text, todo)


def wrong(subject: str, text: str, todo: str) -> Finding:
    return Finding(Verdict.WRONG, subject, text, todo)


def not_checked(subject: str, why: str) -> Finding:
    return Finding(Verdict.NOT_CHECKED, subject, f"because {why}")


def run(checks: Iterable[Check]) -> Iterator[Finding]:
    """Give the findings of each check as soon as it has ended.

    Where AWS can't be reached, a check takes half a minute: after the second one the others are not asked.
    """
    unreached = 0
    for check in checks:
        if unreached == UNREACHED:
            yield not_checked(check.subject, "AWS can't be reached")
            continue
        try:
            yield from check.ask()
        except ClientError as error:
            yield _refused(check.subject, error)
        except NoRegionError:  # a check of its own says what is wrong with it, once
            yield not_checked(check.subject, "no region is chosen")
        except (NoCredentialsError, PartialCredentialsError):
            yield not_checked(check.subject, "there are no credentials")
        except (ConnectionError, HTTPClientError) as error:
            unreached += 1
            todo = "look at the network, a proxy, and AWS_ENDPOINT_URL"
            yield wrong(check.subject, f"AWS can't be reached: {one_line(error)}", todo)
        except Exception as error:  # whatever broke: the other checks still have to run
            kind = "" if isinstance(error, BotoCoreError | OSError | SightlineError) else f"{type(error).__name__}: "
            yield wrong(check.subject, f"the check itself failed: {kind}{one_line(error)}", "see what it says")


def _refused(subject: str, error: ClientError) -> Finding:
    """Return the finding of an answer that is an error: not being allowed to look is no fault of the stack."""
    if error.response.get("Error", {}).get("Code") in REFUSED:
        return not_checked(subject, f"your credentials may not {error.operation_name}: {one_line(error)}")
    return wrong(subject, f"AWS answers: {one_line(error)}", "see what it says")


def one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def is_well(findings: Findings) -> bool:
    return all(finding.verdict != Verdict.WRONG for finding in findings)
