"""What people bring is taken as it is meant or left out by name. "No defect" is only what a person called so."""

from pathlib import Path
from typing import Any

import pytest

from sightline.errors import SightlineError
from tests.label_cases import PHOTOS, Photos, brought, cases, write


@pytest.mark.parametrize(("name", "case"), cases().items(), ids=cases())
def test_labels_from_elsewhere_become_what_they_mean_or_are_left_out_by_name(
    name: str, case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / name, case["files"])
    path = folder / case.get("path", "")
    if "error" in case:
        with pytest.raises(SightlineError) as caught:
            brought(Photos(*PHOTOS), case["format"], path, monkeypatch)
        assert str(caught.value).replace(str(folder), "") == case["error"]
        return
    found = brought(Photos(*PHOTOS), case["format"], path, monkeypatch)
    assert found.taken == case["taken"]
    assert found.left_out == case.get("left_out", {})
    assert found.lost == case.get("lost", {})
    assert found.strays == case.get("strays", {})
