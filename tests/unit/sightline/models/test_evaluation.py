"""evaluation.json as it comes from a job that anybody may have written."""

from typing import Any

import pytest

from sightline.models.evaluation import NEEDED, InvalidMetricError, read_evaluation

JUDGED: dict[str, Any] = {"test_images": 4, "candidate": {"map50": 0.5}, "champion": None, "bootstrap": None}


@pytest.mark.parametrize(
    "given",
    [
        JUDGED,
        {**JUDGED, "int8": None},
        {**JUDGED, "int8": {**JUDGED, "champion": {}}},
        {**JUDGED, "candidate": None, "of_another_version": [1]},
    ],
)
def test_an_evaluation_is_read_as_it_was_written(given: dict[str, Any]) -> None:
    assert read_evaluation(given) == given


@pytest.mark.parametrize("name", NEEDED)
def test_a_field_that_is_missing_is_named(name: str) -> None:
    lacking = {key: value for key, value in JUDGED.items() if key != name}
    with pytest.raises(InvalidMetricError) as raised:
        read_evaluation(lacking)
    assert str(raised.value) == f"evaluation.json lacks {name}; run the evaluation again"
    with pytest.raises(InvalidMetricError) as raised:
        read_evaluation({**JUDGED, "int8": lacking})
    assert str(raised.value) == f"evaluation.json lacks int8.{name}; run the evaluation again"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "evaluation.json must be an object, got NoneType"),
        ([JUDGED], "evaluation.json must be an object, got list"),
        ("{}", "evaluation.json must be an object, got str"),
        ({**JUDGED, "int8": 5}, "int8 in evaluation.json must be an object or null, got 5"),
        ({**JUDGED, "int8": "test_images"}, "int8 in evaluation.json must be an object or null, got 'test_images'"),
        ({**JUDGED, "candidate": 0.9}, "candidate in evaluation.json must be an object or null, got 0.9"),
        ({**JUDGED, "champion": []}, "champion in evaluation.json must be an object or null, got []"),
        (
            {**JUDGED, "int8": {**JUDGED, "bootstrap": 200}},
            "int8.bootstrap in evaluation.json must be an object or null, got 200",
        ),
    ],
)
def test_what_is_no_object_is_named_with_what_it_is(given: Any, said: str) -> None:
    with pytest.raises(InvalidMetricError) as raised:
        read_evaluation(given)
    assert str(raised.value) == said
