"""A finding is mended, or accepted with its reason; nothing is accepted that is not there."""

import pytest

from scripts.check_accepted import ACCEPTED, Accepted, Finding, complaints, findings, read

OPEN = Finding("CKV_1", "template.yaml: AWS::S3::Bucket.ImagesBucket", "Ensure it is closed")
LOUD = Finding("CKV_2", "template.yaml: AWS::SNS::Topic.News", "Ensure it is quiet")
REASON = "it is a well"


def accepted(rule: str, *places: str) -> Accepted:
    return Accepted(rule, places, REASON)


def test_what_is_accepted_by_rule_and_place_is_no_complaint() -> None:
    known = [accepted("CKV_1", "template.yaml: AWS::S3::Bucket.*"), accepted("CKV_2", LOUD.place)]
    assert complaints([OPEN, LOUD], known) == []


@pytest.mark.parametrize(
    "known",
    [
        [],
        [accepted("CKV_2", "*")],
        [accepted("CKV_1", "template.yaml: AWS::S3::Bucket.Artifacts*", OPEN.place.replace("template", "other"))],
    ],
)
def test_a_new_finding_says_where_what_and_what_to_do(known: list[Accepted]) -> None:
    said = complaints([OPEN], known)
    assert said[0] == (
        "template.yaml: AWS::S3::Bucket.ImagesBucket: Ensure it is closed (CKV_1): mend it, or accept it with the "
        "reason in infra/accepted.toml"
    )


def test_what_was_mended_is_not_accepted_any_more() -> None:
    assert complaints([OPEN], [accepted("CKV_1", OPEN.place, LOUD.place)]) == [
        f"infra/accepted.toml: CKV_1 finds nothing at {LOUD.place!r} any more: remove it"
    ]


@pytest.mark.parametrize("text", ['[[CKV_1]]\nplaces = ["*"]', '[[CKV_1]]\nreason = "so"', '[[CKV_1]]\nreason = " "'])
def test_nothing_is_accepted_without_a_reason_or_a_place(text: str) -> None:
    with pytest.raises(ValueError, match="CKV_1 needs places and a reason"):
        read(text)


def test_the_list_can_be_read() -> None:
    assert {one.rule for one in read(ACCEPTED.read_text())} >= {"CKV_AWS_18", "CKV_AWS_117"}


def test_a_report_is_read_as_checkov_writes_it() -> None:
    entry = {"check_id": "CKV_1", "check_name": "Ensure it is closed", "resource": "AWS::S3::Bucket.ImagesBucket"}
    report = {"results": {"failed_checks": [{**entry, "file_path": "/template.yaml"}]}}
    assert findings([report]) == [OPEN]
