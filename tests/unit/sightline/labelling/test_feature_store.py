"""Labels in Feature Store, where a stack has it."""

from types import SimpleNamespace
from typing import Any

import pytest

from sightline.labelling.feature_store import FeatureGroup
from tests.given_aws import GivenAws

LABEL: Any = {"image_id": "a" * 64, "key": "incoming/a.jpg", "annotations": [], "width": 4, "height": 3}


@pytest.mark.parametrize(("name", "written"), [("labels", ["labels"]), ("", [])])
def test_a_label_is_written_only_where_there_is_a_group(name: str, written: list[str]) -> None:
    asked: list[dict[str, Any]] = []
    store = SimpleNamespace(put_record=lambda **request: asked.append(request))
    FeatureGroup(GivenAws(**{"sagemaker-featurestore-runtime": store}), name).put_label("job", LABEL, "s3://b/a.jpg")
    assert [request["FeatureGroupName"] for request in asked] == written
