"""What AWS refuses: sent again where that helps, said where it does not."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sightline.aws import table
from sightline.aws.objects import ObjectStore
from sightline.aws.queue import Queue
from sightline.aws.table import Table
from sightline.aws.workflows import StateMachine
from tests.given_aws import GivenAws


def refusal(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "as AWS says it"}}, operation)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table.time, "sleep", lambda _seconds: None)


class DynamoDb:
    """Cancels the first transactions for the given reasons, and leaves the items of the first batches unwritten."""

    exceptions = boto3.client("dynamodb", region_name="eu-central-1").exceptions

    def __init__(self, reasons: list[str] | None = None, unwritten: int = 0) -> None:
        self.reasons = reasons or []
        self.unwritten = unwritten

    def transact_write_items(self, **_request: Any) -> None:
        if self.reasons:
            error: Any = {
                "Error": {"Code": "TransactionCanceledException"},
                "CancellationReasons": [{"Code": self.reasons.pop()}],
            }
            raise self.exceptions.TransactionCanceledException(error, "TransactWriteItems")

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        self.unwritten -= 1
        return {"UnprocessedItems": request["RequestItems"]} if self.unwritten >= 0 else {}


def transact(*reasons: str) -> bool:
    return Table(GivenAws(dynamodb=DynamoDb(list(reasons))), "table").transact({})


def test_a_transaction_that_another_one_crossed_is_tried_again() -> None:
    assert transact(*["TransactionConflict"] * 3) is True
    assert transact("ConditionalCheckFailed", "TransactionConflict") is False


@pytest.mark.parametrize("reasons", [["ValidationError"], ["TransactionConflict"] * table.TRANSACTION_TRIES])
def test_a_transaction_that_cannot_succeed_is_an_error(reasons: list[str]) -> None:
    with pytest.raises(DynamoDb.exceptions.TransactionCanceledException):
        transact(*reasons)


def test_items_that_were_left_unwritten_are_sent_again_but_not_for_ever() -> None:
    assert Table(GivenAws(dynamodb=DynamoDb(unwritten=3)), "table").put_all([{"id": "a"}]) == 1
    with pytest.raises(RuntimeError, match="1 items of table were not written in 10 tries"):
        Table(GivenAws(dynamodb=DynamoDb(unwritten=table.BATCH_TRIES)), "table").put_all([{"id": "a"}])


class Sqs:
    def send_message_batch(self, **_request: Any) -> dict[str, Any]:
        return {"Failed": [{"Id": "1", "Code": "InternalError"}]}


def test_a_message_that_the_queue_refused_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="queue refused 1 of 2 messages"):
        Queue(GivenAws(sqs=Sqs()), "queue").send([{"n": 1}, {"n": 2}])


class S3:
    def __init__(self, code: str) -> None:
        self.code = code

    def copy_object(self, **_request: Any) -> None:
        raise refusal(self.code, "CopyObject")


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchVersion", "404"])
def test_a_copy_of_an_object_that_is_gone_is_none(code: str) -> None:
    assert ObjectStore(GivenAws(s3=S3(code)), "bucket").copy_from("other", "key", "to", "version") is None


def test_a_copy_without_the_right_to_it_is_an_error() -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        ObjectStore(GivenAws(s3=S3("AccessDenied")), "bucket").copy_from("other", "key", "to")


class StepFunctions:
    exceptions = boto3.client("stepfunctions", region_name="eu-central-1").exceptions

    def __init__(self) -> None:
        self.started: set[str] = set()

    def start_execution(self, **request: Any) -> None:
        if request["name"] in self.started:
            error: Any = {"Error": {"Code": "ExecutionAlreadyExists"}}
            raise self.exceptions.ExecutionAlreadyExists(error, "StartExecution")
        self.started.add(request["name"])


def test_an_execution_of_one_name_is_started_once() -> None:
    machine = StateMachine(GivenAws(stepfunctions=StepFunctions()), "arn")
    assert [machine.start_once("round-1", {}), machine.start_once("round-1", {})] == [True, False]
