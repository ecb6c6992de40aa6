"""Versions of components."""

import pytest

from sightline.rollout.versions import NoInspectorError, latest_version, next_version


def test_versions_are_compared_as_numbers() -> None:
    assert latest_version(["1.9.0", "1.10.0", "1.2.30"]) == "1.10.0"


def test_without_a_published_inspector_nothing_can_be_deployed() -> None:
    with pytest.raises(NoInspectorError, match="`sightline device publish` does it"):
        latest_version([])


@pytest.mark.parametrize(
    ("version", "following"), [("1.0.1", "1.0.2"), ("1.0.999998", "1.0.999999"), ("1.0.999999", "1.1.0")]
)
def test_the_next_version_is_higher_and_one_that_greengrass_takes(version: str, following: str) -> None:
    assert next_version(version) == following
    assert latest_version([following, version]) == following
