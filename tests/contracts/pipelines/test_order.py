"""One change of a stack at a time, a look at the account before it, alarms after it, and nobody asked for nothing."""

import re
from collections import defaultdict

import pytest

from pipelines.changes import WATCH_MINUTES, WATCHED
from tests.contracts.pipelines.test_pipelines import CODEPIPELINE, STEPS, buildspec, workflow
from tests.project import ROOT, template

TRIGGERED = ("deploy", "train")  # the workflows that GitHub starts; the others are called by these
ALARM, MOST_TRIGGERS, MOST_MINUTES = "AWS::CloudWatch::Alarm", 5, 180  # CloudFormation API reference


def test_whatever_changes_a_stack_on_github_waits_for_the_other_workflow_that_does() -> None:
    """GitHub replaces the one that waits by a newer one, so a group must never have a third member."""
    members = defaultdict(list)
    for name in TRIGGERED:
        runs = workflow(name)["concurrency"]
        assert runs == {"group": name, "cancel-in-progress": False}
        for key, job in workflow(name)["jobs"].items():
            if job.get("uses", "").endswith("/stage.yml"):
                assert job["concurrency"]["cancel-in-progress"] is False, (name, key)
                assert job["concurrency"]["group"] == f"stack-{job['with']['stack']}", (name, key)
                members[job["concurrency"]["group"]].append(f"{name}.{key}")
    assert sorted(members.values()) == [["deploy.dev", "train.dev"], ["deploy.prod"], ["deploy.staging"]]


@pytest.mark.parametrize("pipeline", ["InfrastructurePipeline", "AssetsPipeline"])
def test_in_codepipeline_one_execution_follows_the_other(pipeline: str) -> None:
    """Of the two pipelines, a step waits while the other one changes the stack: pipelines.changes.settled."""
    assert CODEPIPELINE[pipeline]["Properties"]["ExecutionMode"] == "QUEUED"


@pytest.mark.parametrize("step", sorted(path.name for path in STEPS.glob("*.sh")))
def test_the_account_is_looked_at_before_a_change_set_is_made(step: str) -> None:
    text = (STEPS / step).read_text()
    looks, makes = (text.find(part) for part in ('sightline --stack "$STACK" doctor --before', "pipelines plan "))
    assert (looks >= 0) == (makes >= 0) == (step == "plan.sh")
    assert looks <= makes


def test_the_alarms_that_take_an_update_back_are_in_every_stack_and_as_many_as_cloudformation_takes() -> None:
    resources = template()["Resources"]
    assert len(set(WATCHED)) == len(WATCHED) <= MOST_TRIGGERS
    assert 0 < WATCH_MINUTES <= MOST_MINUTES
    for name in WATCHED:
        assert (resources[name]["Type"], resources[name].get("Condition")) == (ALARM, None), name


@pytest.mark.parametrize("stage", ["Staging", "Prod"])
def test_nobody_is_asked_to_promote_where_no_model_was_accepted(stage: str) -> None:
    [found] = [one for one in CODEPIPELINE["AssetsPipeline"]["Properties"]["Stages"] if one["Name"] == stage]
    [condition] = found["BeforeEntry"]["Conditions"]
    [rule] = condition["Rules"]
    assert (condition["Result"], rule["RuleTypeId"]["Provider"]) == ("SKIP", "VariableCheck")
    asked = rule["Configuration"]
    assert (asked["Variable"], asked["Operator"]) == ("#{Training.MODEL_VERSION}", "MATCHES")
    assert [version for version in ("7", "12", "none", "") if re.fullmatch(asked["Value"], version)] == ["7", "12"]
    assert '"${version:-none}"' in buildspec("train")
    job = workflow("train")["jobs"][f"promote-to-{stage.lower()}"]
    assert "needs.train.outputs.version != ''" in job["if"]


def test_a_training_by_the_calendar_is_off_in_codepipeline_unless_somebody_asks_for_it() -> None:
    whole = template(ROOT / "pipelines" / "codepipeline.yaml")
    asked = whole["Parameters"]["TrainingSchedule"]
    assert asked["Default"] == ""
    fits = [one for one in ("", "cron(17 3 ? * MON *)", "rate(7 days)", "Monday") if
            re.fullmatch(asked["AllowedPattern"], one)]  # fmt: skip
    assert fits == ["", "cron(17 3 ? * MON *)", "rate(7 days)"]
    rule, role = whole["Resources"]["TrainingRule"], whole["Resources"]["TrainingRuleRole"]
    assert (rule["Condition"], role["Condition"]) == ("HasTrainingSchedule", "HasTrainingSchedule")
    assert whole["Conditions"]["HasTrainingSchedule"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "TrainingSchedule"}, ""]}]
    }
    [target] = rule["Properties"]["Targets"]
    [right] = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert (target["Arn"], right["Action"]) == (right["Resource"], "codepipeline:StartPipelineExecution")
