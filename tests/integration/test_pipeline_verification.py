"""The step that checks what was deployed, with the loop: `sightline verify` with no rights but those of the role."""

from collections.abc import Iterator

import pytest

from local import application
from local.application import BUILT, PACKED, PROJECT
from tests import pipeline_account
from tests.pipeline_account import PipelineAccount
from tests.project import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]  # a stack comes up, 110 photos are labelled, a model trains

STACK = "sightline-dev"
LENIENT = "LabelingWindowSeconds=5 MinMap=0 MinRecall=0"  # a short training finds nothing


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PipelineAccount]:
    home = tmp_path_factory.mktemp("home")
    with pipeline_account.emulated(home, ("-m", "tests.short_trainings")) as account:
        application.build(home, application.digest_of([PROJECT / one for one in application.SOURCES]))
        account.bootstrap(STACK, "dev")
        yield account


def test_a_stack_without_data_goes_through_the_loop_and_is_left_as_it_was(account: PipelineAccount) -> None:
    given = {"STACK": STACK, "RELEASE": "first", "PARAMETERS": LENIENT, "BUILT_TEMPLATE": str(BUILT / "build" / PACKED)}
    said = {}
    for step, environment in (("plan.sh", "dev-plan"), ("deploy.sh", "dev"), ("check_deployed.sh", "dev")):
        done = account.step(step, environment, **given)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        said[step] = done.stdout + done.stderr
    assert "The loop is closed" in said["check_deployed.sh"]
    assert "Not removed" not in said["check_deployed.sh"]
    assert (ROOT / "build" / "pipeline" / "report" / "report.html").exists()
    again = account.step("check_deployed.sh", "dev", **given, VERIFY="false")
    assert again.returncode == 0, again.stderr
