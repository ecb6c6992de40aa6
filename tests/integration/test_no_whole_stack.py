"""What commands say where the stack is not there, is not whole, can't be reached, or may not be looked at."""

import io
import json
import sys
from collections.abc import Callable, Iterator

import pytest

from client import adopting
from client.doctor import machine
from client.target import Place
from tests.command import run
from tests.empty_account import Account, started
from tests.playing_aws import play_aws

OTHER, NONE = "something-else", "sightline-nowhere"
BUCKET = {"Resources": {"Kept": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}}}
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account with one stack, which is not Sightline's."""
    with started(tmp_path_factory.mktemp("emulator"), OTHER) as account:
        client = account.client("cloudformation")
        client.create_stack(StackName=OTHER, TemplateBody=json.dumps(BUCKET))
        client.get_waiter("stack_create_complete").wait(StackName=OTHER, WaiterConfig={"Delay": 1})
        yield account


@pytest.fixture
def command(account: Account, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """`command(stack, *arguments)` answers exit code, standard output and standard error."""
    play_aws(monkeypatch, account.endpoint, account.root)
    monkeypatch.setattr(machine, "checks", lambda _: [])
    return lambda stack, *arguments: run(capsys, monkeypatch, "--stack", stack, *arguments)


ASKED = [["status"], ["user", "add", "eve"], ["device", "list"], ["device", "provision", "line-1"], ["cost", "used"],
         ["verify"], ["models"], ["models", "promote", "1", "--to", OTHER], ["logs"], ["train"], ["dataset", "list"],
         ["approve", "1"], ["device", "rollback", "1"]]  # fmt: skip


@pytest.mark.parametrize("arguments", ASKED, ids=" ".join)
def test_a_stack_that_is_not_there_is_told_in_one_line(command: Command, arguments: list[str]) -> None:
    code, out, err = command(NONE, *arguments)
    said = f"there is no stack {NONE} in us-east-1; deploy it, or choose another --stack, --region or --profile"
    assert (code, out, err) == (1, "", f"sightline: {said}\n")


@pytest.mark.parametrize("arguments", ASKED, ids=" ".join)
def test_a_stack_that_is_not_whole_is_told_in_one_line(command: Command, arguments: list[str]) -> None:
    code, out, err = command(OTHER, *arguments)
    assert (code, out) == (1, "")
    [line] = [line for line in err.splitlines() if line.startswith("sightline: ")]
    assert line.startswith(f"sightline: the stack {OTHER} has no output ")
    assert "Traceback" not in err


def test_doctor_says_that_a_stack_is_not_whole_and_asks_no_further(command: Command) -> None:
    code, out, _ = command(OTHER, "doctor", "--json")
    found = {one["subject"]: one["verdict"] for one in json.loads(out)}
    assert (code, found["stack"], found["outputs"]) == (1, "ok", "wrong")
    assert "upload" not in found


def test_doctor_does_not_take_a_stack_that_it_may_not_look_at_for_none(
    command: Command, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    iam = account.client("iam")
    iam.create_user(UserName="poor")
    key = iam.create_access_key(UserName="poor")["AccessKey"]
    for name, value in (("ACCESS_KEY_ID", key["AccessKeyId"]), ("SECRET_ACCESS_KEY", key["SecretAccessKey"])):
        monkeypatch.setenv(f"AWS_{name}", value)
    _, out, err = command(OTHER, "doctor", "--json")
    [stack] = [one for one in json.loads(out) if one["subject"] == "stack"]
    assert (stack["verdict"], "DescribeStacks" in stack["text"], err) == ("not checked", True, "")


def test_removing_what_is_not_there_is_json_too(command: Command) -> None:
    code, out, err = command(NONE, "remove", "--json")
    assert (code, json.loads(out)) == (0, {"stack": NONE, "done": [], "monthly_usd": 0.0, "kept": []})
    assert err == f"There is no stack {NONE} in us-east-1, and nothing is left of one.\n"


def test_a_question_that_nobody_can_answer_says_so(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    code, _, err = command(OTHER, "remove")
    assert (code, err.endswith("sightline: nobody is there to answer; `--yes` answers beforehand\n")) == (1, True)


def test_adopting_after_no_stack_of_this_name_says_that_there_was_none(command: Command) -> None:
    code, _, err = command(NONE, "adopt")
    assert (code, f"AWS knows of no stack {NONE} in us-east-1 that was deleted" in err) == (1, True)


def test_an_adoption_that_was_interrupted_is_not_in_the_way_of_the_next(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "sightline-again"
    place = Place(name, account.place.session, account.place.endpoint)
    client = place.aws.cloudformation
    account.client("s3").create_bucket(Bucket="kept-of-an-earlier-one")
    given, kept = (
        {"Kept": "kept-of-an-earlier-one"},
        adopting.KeptTemplate(json.dumps(BUCKET), {"Kept": "AWS::S3::Bucket"}),
    )

    waiter = client.get_waiter

    def interrupted(kind: str) -> object:
        monkeypatch.setattr(client, "get_waiter", waiter)
        raise KeyboardInterrupt

    monkeypatch.setattr(client, "get_waiter", interrupted)
    with pytest.raises(KeyboardInterrupt):
        adopting.adopt(place, given, kept)
    assert adopting.adopt(place, given, kept) == ["Kept"]
