"""The key of the stack: whoever works with what it encrypts needs a right on the key too, or gets AccessDenied."""

import re
from typing import Any

import pytest

from tests.project import ROOT, functions, resources, state_machines, template
from tests.resolved import Resolver, allows

RESOLVER = Resolver(LabelingBackend="ground-truth", CanaryGroup="true")
KEY = RESOLVER.value({"Fn::GetAtt": "DataKey.Arn"})
ENCRYPTED = ("AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::DynamoDB::Table")
# What a caller does to an encrypted thing, and what it needs of the key then. Sources: S3 user guide, "Using SSE-KMS";
# SQS and SNS developer guides, "Encryption at rest"; DynamoDB developer guide, "DynamoDB encryption at rest".
READS = re.compile(r"s3:GetObject\w*|sqs:ReceiveMessage|dynamodb:\w+")
WRITES = re.compile(r"s3:PutObject|sqs:SendMessage|sns:Publish|dynamodb:\w+")


def encrypted_arns() -> list[str]:
    return [
        RESOLVER.value({"Fn::GetAtt": f"{name}.Arn"} if entry["Type"] != "AWS::SNS::Topic" else {"Ref": name})
        for name, entry in template()["Resources"].items()
        if entry["Type"] in ENCRYPTED
    ]


def touched(rights: list[tuple[str, str]], verbs: re.Pattern[str]) -> bool:
    arns = encrypted_arns()
    return any(verbs.fullmatch(action) and any(place.startswith(arn) for arn in arns) for action, place in rights)


@pytest.mark.parametrize("folder", sorted(functions()))
def test_a_function_may_use_the_key_of_what_it_reads_and_writes(folder: str) -> None:
    function = functions()[folder]
    rights = RESOLVER.rights(function.get("Policies", []))
    if touched(rights, READS):
        assert allows(rights, "kms:Decrypt", KEY)
    if touched(rights, WRITES):
        assert allows(rights, "kms:GenerateDataKey", KEY)
        assert allows(rights, "kms:Decrypt", KEY), "a message, an item and a part of an upload are read too"


@pytest.mark.parametrize("folder", [name for name, entry in sorted(functions().items()) if "DeadLetterQueue" in entry])
def test_a_function_may_use_the_key_of_its_dead_letter_queue(folder: str) -> None:
    """Lambda sends what failed with the function's own rights; without the key it is lost."""
    rights = RESOLVER.rights(functions()[folder]["Policies"])
    assert allows(rights, "kms:GenerateDataKey", KEY)
    assert allows(rights, "kms:Decrypt", KEY)


@pytest.mark.parametrize("name", sorted(state_machines()))
def test_a_workflow_that_reads_a_list_from_s3_may_use_its_key(name: str) -> None:
    if '"ItemReader"' in (ROOT / "statemachines" / f"{name}.asl.json").read_text():
        rights = RESOLVER.rights(state_machines()[name]["Policies"])
        assert allows(rights, "kms:Decrypt", KEY)


def test_the_account_administers_the_key() -> None:
    """Without this statement no policy of IAM counts for the key, and nobody could ever change it."""
    policy = RESOLVER.value(resources("AWS::KMS::Key")["DataKey"]["Properties"]["KeyPolicy"])
    administer: list[dict[str, Any]] = [entry for entry in policy["Statement"] if entry["Action"] == "kms:*"]
    assert [entry["Principal"] for entry in administer] == [{"AWS": "arn:aws:iam::123456789012:root"}]


def test_keys_of_data_outlive_the_stack() -> None:
    """A bucket that is kept is unreadable without its key."""
    for name, entry in template()["Resources"].items():
        if entry["Type"] in ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key"):
            assert (entry["DeletionPolicy"], entry["UpdateReplacePolicy"]) == ("Retain", "Retain"), name
