"""Parameters of the template are checked before anything starts, and kept for the next start of the local stack."""

from pathlib import Path

import pytest

from client import parameters, pipeline
from client.parameters import ParameterError
from client.target import Target


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MinNewLabel", "5", "no parameter MinNewLabel; did you mean MinNewLabels? It has "),
        ("xyz", "5", "no parameter xyz; it has "),
        ("MinNewLabels", "few", "MinNewLabels must be a number, got 'few'"),
        ("AnnotatorsPerImage", "few", "AnnotatorsPerImage must be a number of at least 1 and at most 9, got 'few'"),
        ("AnnotatorsPerImage", "0", "AnnotatorsPerImage must be a number of at least 1 and at most 9, got '0'"),
        ("UseSpotTraining", "maybe", "UseSpotTraining must be one of true, false, got 'maybe'"),
        ("FirstEngineer", "Eve", "FirstEngineer must be as the pattern"),
        ("FirstEngineer", "e" * 129, "FirstEngineer must be 0 to 128 characters long"),
    ],
)
def test_a_wrong_name_or_value_is_refused_with_what_would_be_right(name: str, value: str, said: str) -> None:
    with pytest.raises(ParameterError) as caught:
        parameters.check({name: value})
    assert said in str(caught.value)


def test_every_default_is_a_value_that_is_taken() -> None:
    parameters.check(parameters.defaults())


def test_what_was_given_stays_until_it_is_the_usual_value_again() -> None:
    first = parameters.choose({"Classes": "dent"}, {}, {"MinNewLabels": "20"})
    assert first == {"Classes": "dent"}
    second = parameters.choose({"MinNewLabels": "9"}, {**first, "OfEarlier": "x"}, {"MinNewLabels": "20"})
    assert second == {"Classes": "dent", "MinNewLabels": "9"}
    assert parameters.choose({"Classes": "scratch", "MinNewLabels": "20"}, second, {"MinNewLabels": "20"}) == {}


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    assert parameters.kept(tmp_path) == {}
    parameters.keep(tmp_path, {"Classes": "dent"})
    assert parameters.kept(tmp_path) == {"Classes": "dent"}


@pytest.mark.parametrize(
    ("wanted", "right"), [("a,b", True), ("a,b,c", True), ("b,a", False), ("a", False), ("", False)]
)
def test_classes_of_a_running_stack_keep_their_numbers(
    wanted: str, right: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "classes", lambda _: ["a", "b"])
    if right:
        parameters.check_classes(Target({}, None), {"Classes": wanted})
    else:
        with pytest.raises(ParameterError, match="Classes must begin with a,b"):
            parameters.check_classes(Target({}, None), {"Classes": wanted})
