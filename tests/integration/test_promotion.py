"""Two stacks of one account, with IAM enforced: a model that the first one registered is judged again by the second.

The step of the pipelines signs in as a job of prod on GitHub, or runs in CodeBuild. A person promotes with all rights.

The models are drawn and find the same box everywhere; the photos have their defect in that place.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from client import models, pipeline
from client.labels import importing
from client.promotion import promoted
from client.target import Target
from local import application, stack
from local.account import ACCOUNT, read_credentials
from sightline.aws.objects import ObjectStore
from sightline.images.image import ImageStatus
from sightline.models.registry import ModelStatus
from tests.console_line import until
from tests.fake_cloud import jpeg
from tests.own_models import model
from tests.pipeline_account import PipelineAccount
from tests.pipeline_builds import Builds, clone
from tests.playing_aws import play_aws

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # two stacks come up, and six evaluations run

PROD = "sightline-prod"
QUIET = {"LabelingWindowSeconds": "3600", "MinNewLabels": "1000"}
LENIENT = {"MinMap": "0", "MinRecall": "0"}
BOX = {"class_id": 0, "left": 4, "top": 5, "width": 26, "height": 15}
FOUND = (4, 5, 30, 20)  # corners of that box
ELSEWHERE = (40, 40, 60, 60)
PHOTOS = 12


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of an emulator that has a lenient stack for development, and one with the usual gate."""
    folder = tmp_path_factory.mktemp("home")
    try:
        running = stack.up(root=folder, overrides=QUIET | LENIENT, tied=True)
        port = int(running.endpoint.rsplit(":", 1)[-1])
        application.deploy(folder, port, application.parameters(QUIET), PROD)
        yield folder
    finally:
        stack.down(folder)


@pytest.fixture(scope="module")
def dev(home: Path) -> Target:
    """The first stack, where twelve photos are labelled."""
    target = Target.find(None, None, None, home)
    for number in range(PHOTOS):
        key = f"incoming/{number}.jpg"
        target.aws.s3.put_object(Bucket=target.outputs["ImagesBucketName"], Key=key, Body=jpeg(number))
    ledger = pipeline.ledger(target)
    until(lambda: ledger.counts()[ImageStatus.NEW] == PHOTOS)
    labels: list[importing.ImageLabel] = [
        {"image_id": image.image_id, "annotations": [BOX]} for image in ledger.with_status(ImageStatus.NEW)
    ]
    for arn in importing.bring(target, labels, approved=True):
        pipeline.wait_for(target, arn)
    return target


@pytest.fixture(scope="module")
def account(dev: Target, home: Path) -> Iterator[PipelineAccount]:
    """The account as the pipelines find it, with the roles for both stacks."""
    account = PipelineAccount(str(dev.endpoint), home)
    try:
        account.bootstrap(application.NAME, "dev")
        account.bootstrap(PROD, "prod")
        yield account
    finally:
        account.github.close()


@pytest.fixture
def builds(account: PipelineAccount, tmp_path: Path) -> Builds:
    """The jobs of CodePipeline for the same stacks."""
    given = {"DevStack": application.NAME, "ProdStack": PROD, "PromoteWithTestSet": "true"}
    return Builds(account, clone(tmp_path / "source"), given)


@pytest.fixture
def prod(home: Path, dev: Target, monkeypatch: pytest.MonkeyPatch) -> Target:
    play_aws(monkeypatch, dev.endpoint, read_credentials(home))
    return Target.find(None, None, PROD, home)


@pytest.fixture(scope="module")
def good(dev: Target) -> int:
    """The version of a model that finds the defect, in the first stack."""
    return registered(dev, "good", FOUND)


@pytest.fixture(scope="module")
def bad(dev: Target, good: int) -> int:
    return registered(dev, "bad", ELSEWHERE)


def registered(target: Target, name: str, box: tuple[int, ...]) -> int:
    described = {"classes": ["scratch"], "hyperparameters": {"escape_cost": 10, "alarm_cost": 1}}
    onnx = model(shape=("N", 64, 64, 3), box=box).SerializeToString()
    files = {"model.onnx": onnx, "model.json": json.dumps(described).encode()}
    output = pipeline.wait_for(target, models.start_import(target, models.archive_of(files), name))
    assert output["judgement"]["accepted"], output["judgement"]["reasons"]
    return models.registry(target).newest(1)[0].version


def promote(home: Path, version: int, *options: str) -> Any:
    return CliRunner().invoke(app, ["--home", str(home), "models", "promote", str(version), "--to", PROD, *options])


def test_a_stack_without_images_of_its_own_says_what_it_lacks(home: Path, prod: Target, good: int) -> None:
    result = promote(home, good)
    assert result.exit_code == 1
    assert "no image is approved yet" in result.output
    assert models.registry(prod).newest() == []


def test_a_model_that_the_second_gate_accepts_is_registered_there_with_where_it_comes_from(
    dev: Target, prod: Target, good: int, account: PipelineAccount, builds: Builds
) -> None:
    done = step(account, good)
    assert done.returncode == 0, done.stderr
    at_home = models.registry(dev).newest()[-1]
    arrived = promoted(prod, at_home.arn)
    assert arrived
    assert (arrived.status, arrived.map50, arrived.dataset_version) == (
        ModelStatus.PENDING,
        1.0,
        at_home.dataset_version,
    )
    described = json.loads(ObjectStore(prod.aws, prod.outputs["ArtifactsBucketName"]).read(_key(arrived.release_uri)))
    assert described["promoted_from"]["training_job"] == at_home.training_job
    card = prod.aws.sagemaker.describe_model_package(ModelPackageName=arrived.arn)["ModelCard"]["ModelCardContent"]
    assert json.loads(card)["additional_information"]["custom_details"]["promoted_from"] == at_home.arn
    assert pipeline.ledger(prod).counts()[ImageStatus.APPROVED] == 0  # the test set is no image of this stack
    again = builds.run("PromoteProd", MODEL_VERSION=str(good))
    assert again.returncode == 0, again.stderr
    assert "has judged this model with this dataset and accepted it" in again.stderr
    assert len(models.registry(prod).newest()) == 1


def step(account: PipelineAccount, version: int, environment: str = "prod") -> subprocess.CompletedProcess[str]:
    """The step of the pipelines that promotes, as a job in an environment."""
    variables = {
        "STACK": application.NAME, "MODEL_VERSION": str(version), "WITH_TEST_SET": "true",
        "TO_STACK": PROD, "TO_ACCOUNT": ACCOUNT,
    }  # fmt: skip
    return account.step("promote.sh", environment, **variables)


def _key(release_uri: str | None) -> str:
    return f"{str(release_uri).split('/', 3)[-1]}model.json"


def test_a_model_that_the_second_gate_refuses_is_not_registered(
    dev: Target, prod: Target, bad: int, account: PipelineAccount
) -> None:
    result = step(account, bad)
    assert result.returncode == 1
    assert "Rejected: mAP@.50" in result.stderr
    arn = next(model.arn for model in models.registry(dev).newest() if model.version == bad)
    assert promoted(prod, arn) is None
