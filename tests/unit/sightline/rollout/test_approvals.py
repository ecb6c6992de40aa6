"""People decide about models: what is refused, two at once, and what other tools have done to the registry."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from sightline.aws.people import FourEyes, FourEyesMode
from sightline.models.registry import Registry
from sightline.models.states import ModelState, ModelStateError
from sightline.rollout.approvals import Approvals, DecidedMeanwhileError, OwnTrainingError, UnknownModelError
from tests.fake_account import MODELS, account
from tests.fake_greengrass import GROUP_ARN

__all__ = ["account"]
S = ModelState
ENGINEERS = ["eve", "erik"]


@pytest.fixture
def approvals(account: SimpleNamespace) -> Approvals:
    """Of a registry with two candidates."""
    for _ in range(2):
        account.sagemaker.create_model_package(
            ModelPackageGroupName=MODELS, ModelApprovalStatus="PendingManualApproval"
        )
    four_eyes = FourEyes(FourEyesMode.AUTO, lambda: ENGINEERS)
    return Approvals(account.aws, Registry(account.aws, MODELS), "deployments", GROUP_ARN, four_eyes)


def registered(account: SimpleNamespace) -> list[str]:
    """The status of each package in the registry."""
    packages = account.sagemaker.list_model_packages(ModelPackageGroupName=MODELS)["ModelPackageSummaryList"]
    return [entry["ModelApprovalStatus"] for entry in sorted(packages, key=lambda entry: entry["ModelPackageVersion"])]


def test_a_decision_is_kept_and_told_to_the_registry(approvals: Approvals, account: SimpleNamespace) -> None:
    assert approvals.decide(1, approved=True, by="eve", reason="good") == S.APPROVED
    assert approvals.decide(2, approved=False, by="eve") == S.REJECTED
    assert (approvals.standing.states(), registered(account)) == (
        {"1.0.1": S.APPROVED, "1.0.2": S.REJECTED},
        ["Approved", "Rejected"],
    )
    assert approvals.find(1).said == "eve: good"


def test_an_unknown_model_is_named_with_those_that_there_are(approvals: Approvals) -> None:
    with pytest.raises(UnknownModelError, match="no model version 7; there are: 2, 1"):
        approvals.decide(7, approved=True, by="eve")


@pytest.mark.parametrize("state", [S.ROLLING_OUT, S.IN_SERVICE])
@pytest.mark.parametrize("approved", [True, False])
def test_what_runs_is_neither_approved_nor_rejected_and_nothing_changes(
    approvals: Approvals, account: SimpleNamespace, state: ModelState, approved: bool
) -> None:
    approvals.decide(1, approved=True, by="eve")
    approvals.standing.change("1.0.1", state, approvals.standing.states())
    with pytest.raises(ModelStateError, match=f"model 1 is {state}: "):
        approvals.decide(1, approved=approved, by="eve")
    assert (approvals.standing.states(), registered(account)[0]) == ({"1.0.1": state}, "Approved")


def test_of_two_who_decide_at_once_one_is_told(approvals: Approvals, account: SimpleNamespace) -> None:
    together, find = threading.Barrier(2), approvals.find

    def slow(version: int) -> object:
        found = find(version)
        together.wait(10)  # both have looked before one of them decides
        return found

    approvals.find = slow  # type: ignore[assignment,method-assign]

    def decide(approved: bool) -> str:
        try:
            return approvals.decide(1, approved=approved, by="eve")
        except DecidedMeanwhileError as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(decide, [True, False]))
    assert said[1] == "somebody else decided about model 1 in the same moment; look again"
    assert approvals.standing.states() == {"1.0.1": said[0]}
    assert registered(account)[0].lower() == said[0]


def test_a_decision_that_the_registry_did_not_hear_of_is_made_again(
    approvals: Approvals, account: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken, pytest.raises(ZeroDivisionError):
        broken.setattr(approvals.registry, "judge", lambda *_, **__: 1 / 0)
        approvals.decide(1, approved=True, by="eve")
    assert registered(account)[0] == "PendingManualApproval"
    approvals.decide(1, approved=True, by="eve")
    assert registered(account)[0] == "Approved"


def test_a_candidate_that_another_tool_decided_about_is_what_the_registry_says(
    approvals: Approvals, account: SimpleNamespace
) -> None:
    model = approvals.find(1)
    for status, state in (("Approved", S.APPROVED), ("Rejected", S.REJECTED)):
        account.sagemaker.update_model_package(ModelPackageArn=model.arn, ModelApprovalStatus=status)
        assert approvals.state(approvals.find(1)) == state


def test_what_another_tool_says_of_the_model_in_service_does_not_count(
    approvals: Approvals, account: SimpleNamespace
) -> None:
    approvals.standing.change("1.0.1", S.IN_SERVICE, {})
    account.sagemaker.update_model_package(ModelPackageArn=approvals.find(1).arn, ModelApprovalStatus="Rejected")
    assert approvals.state(approvals.find(1)) == S.IN_SERVICE
    champion = approvals.registry.champion(approvals.standing.states())
    assert champion
    assert champion.version == 1


def test_the_champion_is_the_model_in_service_and_before_the_first_the_newest_approved_one(
    approvals: Approvals,
) -> None:
    def champion() -> int | None:
        found = approvals.registry.champion(approvals.standing.states())
        return found.version if found else None

    assert champion() is None
    approvals.decide(1, approved=True, by="eve")
    assert champion() == 1
    approvals.decide(2, approved=True, by="eve")
    approvals.standing.change("1.0.1", S.IN_SERVICE, approvals.standing.states())
    assert champion() == 1
    approvals.standing.change("1.0.1", S.TAKEN_BACK, approvals.standing.states())
    approvals.decide(2, approved=False, by="eve")
    assert champion() is None


@pytest.mark.parametrize(("starter", "by"), [("user/eve", "eve"), ("assumed-role/Admin/eve", "user/eve")])
def test_who_started_a_training_does_not_approve_its_model_where_two_can(
    approvals: Approvals, account: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, starter: str, by: str
) -> None:
    account.sagemaker.create_model_package(
        ModelPackageGroupName=MODELS,
        ModelApprovalStatus="PendingManualApproval",
        CustomerMetadataProperties={"started_by": starter},
    )
    with pytest.raises(OwnTrainingError, match="eve started the training of model 3, so somebody else approves it"):
        approvals.decide(3, approved=True, by=by)
    assert approvals.decide(3, approved=False, by=by) == S.REJECTED
    assert approvals.decide(3, approved=True, by="user/erik") == S.APPROVED
    monkeypatch.setattr("tests.unit.sightline.rollout.test_approvals.ENGINEERS", ["eve"])
    assert approvals.decide(3, approved=True, by=by) == S.APPROVED  # nobody else could
