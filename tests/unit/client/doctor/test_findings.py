"""Findings: one line each; a check that breaks is one, and stops no other."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError

from client.doctor.findings import Check, Finding, Findings, Verdict, is_well, not_checked, note, ok, run, wrong


def failing(error: Exception) -> Check:
    def ask() -> Findings:
        raise error

    return Check("queue", ask)


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no\nreally"}}, "GetQueueAttributes")


@pytest.mark.parametrize(
    ("error", "verdict", "said"),
    [
        (refusal("AccessDenied"), Verdict.NOT_CHECKED, "your credentials may not GetQueueAttributes"),
        (refusal("AccessDeniedException"), Verdict.NOT_CHECKED, "your credentials may not GetQueueAttributes"),
        (refusal("QueueDoesNotExist"), Verdict.WRONG, "AWS answers: "),
        (NoRegionError(), Verdict.NOT_CHECKED, "because no region is chosen"),
        (NoCredentialsError(), Verdict.NOT_CHECKED, "because there are no credentials"),
        (KeyError("UploadsQueue"), Verdict.WRONG, "the check itself failed: KeyError: 'UploadsQueue'"),
        (TimeoutError("timed out"), Verdict.WRONG, "the check itself failed: timed out"),
    ],
)
def test_a_check_that_breaks_is_a_finding_and_stops_no_other(error: Exception, verdict: Verdict, said: str) -> None:
    broken, after = run([failing(error), Check("key", lambda: [ok("key", "enabled")])])
    assert (broken.verdict, broken.subject, said in broken.text, "\n" in str(broken)) == (verdict, "queue", True, False)
    assert after == Finding(Verdict.OK, "key", "enabled")


def test_without_a_network_only_two_checks_wait_for_it() -> None:
    unreached = failing(EndpointConnectionError(endpoint_url="https://sts"))
    found = list(run([Check("key", lambda: [ok("key", "enabled")]), unreached, unreached, unreached]))
    assert [one.verdict for one in found] == [Verdict.OK, Verdict.WRONG, Verdict.WRONG, Verdict.NOT_CHECKED]
    assert found[1].text.startswith("AWS can't be reached: Could not connect to the endpoint URL")


def test_a_line_says_what_is_wrong_and_what_to_do() -> None:
    assert str(wrong("queue", "2 messages wait", "read them")) == "wrong       queue: 2 messages wait; read them"
    assert str(not_checked("quota", "nobody knows")) == "not checked quota: because nobody knows"


def test_only_what_is_wrong_counts() -> None:
    assert is_well([ok("a", ""), note("b", ""), not_checked("c", "")])
    assert not is_well([ok("a", ""), wrong("b", "", "")])
