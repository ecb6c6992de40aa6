"""Ground Truth's task functions are those that AWS documents."""

import gzip
import re
from pathlib import Path

import botocore
import pytest

from sightline.labelling import ground_truth
from tests.project import ROOT, template

MODEL = Path(botocore.__file__).parent / "data" / "sagemaker" / "2017-07-24" / "service-2.json.gz"


@pytest.mark.parametrize("kind", list(ground_truth.TaskType))
@pytest.mark.parametrize("part", ["PRE", "ACS"])
def test_the_table_of_task_functions_is_that_of_the_service_model(kind: str, part: str) -> None:
    text = gzip.decompress(MODEL.read_bytes()).decode()
    found = re.findall(rf"arn:aws:lambda:([a-z0-9-]+):(\d+):function:{part}-{kind}<", text)
    assert dict(found) == ground_truth.TASK_ACCOUNTS


def test_the_role_may_run_exactly_these_task_functions() -> None:
    role = template()["Resources"]["GroundTruthRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    allowed = next(entry["Resource"] for entry in role if entry["Sid"] == "RunTaskFunctions")
    wanted = {f"{part}-{kind}" for part in ("PRE", "ACS") for kind in ground_truth.TaskType}
    assert {entry["Fn::Sub"].rsplit(":", 1)[1] for entry in allowed} == wanted


@pytest.mark.parametrize("name", ["prepare_labeling_job", "prepare_verification_job"])
def test_every_page_brings_what_ground_truth_needs_and_nothing_from_elsewhere(name: str) -> None:
    page = (ROOT / "functions" / name / "task.liquid.html").read_text()
    assert re.findall(r"https?://[^\"]+", page) == ["https://assets.crowd.aws/crowd-html-elements.js"]
    for needed in ("<crowd-form>", "task.input.taskObject | grant_read_access", "task.input.labels"):
        assert needed in page
