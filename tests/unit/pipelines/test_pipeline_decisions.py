"""What the steps decide: whether an environment asks a person, how a training ended, what a change set endangers."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipelines.changes import Change, as_markdown
from pipelines.place import Bootstrapped, StepError
from pipelines.releases import Plan
from pipelines.reviewers import check_reviewers
from pipelines.training import Ending, Gate, gate, hyperparameters
from sightline.fields import InvalidFieldError
from tests.project import ROOT

PLACE = Bootstrapped("sightline-dev", "123456789012", "eu-central-1")


@pytest.fixture
def github() -> Iterator[dict[str, str]]:
    """GitHub's API with three environments."""
    rules: dict[str, list[dict[str, str]]] = {
        "prod": [{"type": "branch_policy"}, {"type": "required_reviewers"}],
        "dev": [{"type": "branch_policy"}],
        "none": [],
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/repos/plant/sightline/environments/")
            self.send_response(200 if name in rules else 404)
            self.end_headers()
            self.wfile.write(json.dumps({"name": name, "protection_rules": rules.get(name, [])}).encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    here = f"http://127.0.0.1:{server.server_port}"
    yield {"GITHUB_API_URL": here, "GITHUB_REPOSITORY": "plant/sightline", "GH_TOKEN": "of-the-job"}
    server.shutdown()
    server.server_close()


def test_the_step_ends_where_nobody_is_asked(github: dict[str, str]) -> None:
    said = {}
    for name in ("prod", "dev", "new"):
        step = [str(ROOT / "pipelines" / "steps" / "reviewers.sh")]
        environment = os.environ | github | {"ENVIRONMENT": name}
        ended = subprocess.run(step, env=environment, capture_output=True, text=True, check=False)
        said[name] = (ended.returncode, ended.stderr.strip())
    assert said["prod"] == (0, "")
    assert [said[name][0] for name in ("dev", "new")] == [1, 1]
    assert "the environment dev asks nobody" in said["dev"][1]
    assert "the environment new does not exist" in said["new"][1]


def test_an_environment_with_reviewers_asks_a_person(github: dict[str, str]) -> None:
    check_reviewers("prod", github)


@pytest.mark.parametrize(
    ("name", "wrong"), [("dev", "asks nobody"), ("none", "asks nobody"), ("new", "does not exist")]
)
def test_one_that_asks_nobody_stops_the_pipeline(github: dict[str, str], name: str, wrong: str) -> None:
    with pytest.raises(StepError, match=f"the environment {name} {wrong}; make it in the repository's settings"):
        check_reviewers(name, github)


JUDGED = {"plan": {"changed": True, "reason": ""}, "image": {"ready": True}}


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            {"plan": {"changed": False, "reason": "no labels"}, "image": {"ready": True}},
            Gate(Ending.NOTHING_NEW, "no labels"),
        ),
        (
            {"plan": {"changed": False, "reason": "being built"}, "image": {"ready": False}},
            Gate(Ending.WAITS_FOR_IMAGE, "being built"),
        ),
        (JUDGED | {"judgement": {"accepted": False, "reasons": ["mAP"]}}, Gate(Ending.REJECTED, "mAP")),
        (
            JUDGED
            | {
                "judgement": {"accepted": True, "reasons": ["all held"]},
                "registration": {"model_package_arn": "arn:aws:sagemaker:r:1:model-package/plant-models/7"},
            },
            Gate(Ending.ACCEPTED, "all held", 7),
        ),
    ],
)
def test_how_a_training_ended_is_read_from_its_output(output: dict[str, Any], expected: Gate) -> None:
    assert gate(output) == expected


def test_hyperparameters_are_texts_by_name(tmp_path: Path) -> None:
    file = tmp_path / "hyperparameters.json"
    file.write_text('{"epochs": "40"}')
    assert hyperparameters(file) == {"epochs": "40"}
    file.write_text('{"epochs": 40}')
    with pytest.raises(InvalidFieldError, match="epochs must be a text"):
        hyperparameters(file)
    file.write_text("{")
    with pytest.raises(StepError, match="is no JSON"):
        hyperparameters(file)


def test_a_change_that_costs_data_comes_first_and_in_bold() -> None:
    lost = Change("Modify", "ImagesTable", "AWS::DynamoDB::Table", "True")
    text = as_markdown(PLACE, Plan("abc", "key", "arn"), [lost, Change("Add", "Rule", "AWS::Events::Rule", "")])
    assert "**Data is lost or left behind: ImagesTable would be replaced or removed.**" in text
    assert text.endswith("| Add | `Rule` | AWS::Events::Rule |  |\n")
    assert not Change("Modify", "ImagesTable", "AWS::DynamoDB::Table", "False").endangers_data
    assert Change("Remove", "DataKey", "AWS::KMS::Key", "").endangers_data


def test_names_follow_from_stack_account_and_region() -> None:
    assert PLACE.bucket == "pipeline-sightline-dev-123456789012-eu-central-1"
    assert PLACE.role("plan") == "arn:aws:iam::123456789012:role/sightline-pipeline/pipeline-plan-sightline-dev"
    with pytest.raises(StepError, match="set ACCOUNT and AWS_REGION; the head of the step"):
        Bootstrapped.from_environment({"STACK": "sightline-dev"})
