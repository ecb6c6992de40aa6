"""Versions by range, as Greengrass resolves them."""

import pytest

from local.device.dependencies import UnresolvedError, fits, resolve
from local.device.recipe import Recipe


@pytest.mark.parametrize(
    ("version", "requirement", "expected"),
    [
        ("1.0.3", "1.0.3", True),
        ("1.0.3", "=1.0.4", False),
        ("1.10.0", ">=1.9.0 <2.0.0", True),
        ("2.0.0", ">=1.0.0 <2.0.0", False),
        ("1.4.0", "^1.2.3", True),
        ("1.2.2", "^1.2.3", False),
        ("0.3.0", "^0.2.3", False),
        ("1.2.9", "~1.2.3", True),
        ("1.3.0", "~1.2.3", False),
        ("1.7.2", "1.x", True),
        ("9.9.9", "*", True),
        ("2.1.0", "1.x || 2.1.0", True),
    ],
)
def test_a_range_is_read_as_npm_reads_it(version: str, requirement: str, expected: bool) -> None:
    assert fits(version, requirement) is expected


def test_what_is_no_range_is_refused() -> None:
    with pytest.raises(UnresolvedError, match="'newest' is no version range"):
        fits("1.0.0", "newest")


PUBLISHED: dict[str, dict[str, dict[str, str]]] = {
    "model": {"1.0.3": {"inspector": ">=1.0.0 <2.0.0"}},
    "inspector": {"1.9.0": {"base": "^1.0.0"}, "1.10.0": {"base": "^1.0.0"}, "2.0.0": {}},
    "base": {"1.0.0": {}, "1.1.0": {}},
    "other": {"1.0.0": {"base": "~1.0.0"}},
}


def recipe(name: str, version: str) -> Recipe:
    needed = PUBLISHED[name][version]
    return {"ComponentDependencies": {other: {"VersionRequirement": wanted} for other, wanted in needed.items()}}


def solve(**roots: str) -> dict[str, str]:
    return resolve(roots, lambda name: list(PUBLISHED.get(name, {})), recipe)


def test_the_newest_version_that_fits_all_is_taken_and_what_is_needed_comes_first() -> None:
    assert list(solve(model="1.0.3").items()) == [("base", "1.1.0"), ("inspector", "1.10.0"), ("model", "1.0.3")]
    assert solve(model="1.0.3", other="1.0.0")["base"] == "1.0.0"
    assert solve(model="1.0.3", inspector="1.9.0")["inspector"] == "1.9.0"


def test_versions_that_do_not_go_together_are_refused_with_who_asks_for_what() -> None:
    said = (
        r"inspector: the deployment requires =2.0.0; model 1.0.3 requires >=1.0.0 <2.0.0; published: 1.9.0, 1.10.0, "
        r"2.0.0"
    )
    with pytest.raises(UnresolvedError, match=said):
        solve(model="1.0.3", inspector="2.0.0")
