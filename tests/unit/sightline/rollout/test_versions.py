"""Versions of components."""

import pytest

from sightline.rollout.versions import NoInspectorError, latest_version


def test_versions_are_compared_as_numbers() -> None:
    assert latest_version(["1.9.0", "1.10.0", "1.2.30"]) == "1.10.0"


def test_without_a_published_inspector_nothing_can_be_deployed() -> None:
    with pytest.raises(NoInspectorError, match="publish the inspector first"):
        latest_version([])
