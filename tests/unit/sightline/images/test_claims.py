"""Nobody speaks in the name of a device but below its own prefix, where only its certificate may write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.images.claims import MOST, believed

SAID = {
    "source": "device",
    "device": "line-1",
    "verdict": "pass",
    "model-version": "1.0.7",
    "sampled": "random",
    "captured-at": "2026-11-30T08:00:00Z",
}
OF_ANYBODY = {"captured-at": SAID["captured-at"]}


def test_a_device_is_believed_below_its_own_name() -> None:
    assert believed("incoming/line-1/2026-11-30/a.jpg", SAID) == SAID


@pytest.mark.parametrize(
    "key",
    [
        "incoming/line-2/2026-11-30/a.jpg",
        "incoming/a.jpg",
        "incoming/line-1",
        "incoming/line-10/a.jpg",
        "incoming//line-1/a.jpg",
        "quarantine/line-1/a.jpg",
    ],
)
def test_elsewhere_nothing_of_it_is(key: str) -> None:
    assert believed(key, SAID) == OF_ANYBODY


@pytest.mark.parametrize("device", ["", "..", "line-1/2026"])
def test_what_is_no_name_of_this_prefix_is_no_device(device: str) -> None:
    assert "verdict" not in believed("incoming/line-1/2026-11-30/a.jpg", {**SAID, "device": device} if device else {})


@pytest.mark.parametrize(
    ("name", "value"), [("verdict", "PASS"), ("verdict", ""), ("captured-at", "today"), ("sampled", "a\nb")]
)
def test_a_value_that_can_not_be_is_left_out(name: str, value: str) -> None:
    found = believed("incoming/line-1/a.jpg", {**SAID, name: value})
    assert found == {key: known for key, known in SAID.items() if key != name}


def test_what_others_say_of_their_uploads_stays() -> None:
    assert believed("incoming/a.jpg", {"source": "microscope", "lot": "x" * 500}) == {
        "source": "microscope",
        "lot": "x" * MOST,
    }


@given(st.text(), st.dictionaries(st.sampled_from([*SAID, "lot"]), st.text()))
def test_a_device_is_never_named_but_by_its_prefix(key: str, metadata: dict[str, str]) -> None:
    found = believed(key, metadata)
    assert "device" not in found or key.startswith(f"incoming/{found['device']}/")
