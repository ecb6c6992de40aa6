"""The notes of a release come from the changelog, or the release stops."""

import pytest

from scripts.release_notes import notes

CHANGELOG = """# Changelog

## [Unreleased]

- not yet

## [1.0.0] - 2026-12-01

### Added

- whole

## [0.1.0] - 2026-11-28

- first
"""


def test_the_notes_of_a_version_are_its_section() -> None:
    assert notes(CHANGELOG, "1.0.0") == "### Added\n\n- whole"
    assert notes(CHANGELOG, "0.1.0") == "- first"


@pytest.mark.parametrize("version", ["0.2.0", "0.1", "Unreleased"])
def test_without_a_dated_section_there_is_no_release(version: str) -> None:
    with pytest.raises(LookupError, match="write it before the tag"):
        notes(CHANGELOG, version)
