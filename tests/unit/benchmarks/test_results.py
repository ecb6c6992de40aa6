"""The results that were kept are what the benchmarks say they write: each file fits its benchmark's record."""

import json
from typing import Any, get_type_hints

import msgspec
import pytest

from benchmarks import common, starts
from benchmarks.common import RESULTS, Machine, cells, finish, summary
from benchmarks.page import module
from benchmarks.run import ALL

KEPT = [name for name in ALL if (RESULTS / f"{name}.json").is_file()]

SINCE: dict[str, dict[str, Any]] = {  # fields that a benchmark writes since its kept result was measured
    "fleet": {"simulated": True},
    "multiclass": {"code": "unknown", "cores": 2},
}


def fields(record: Any) -> set[str]:
    return set(get_type_hints(record))


@pytest.mark.parametrize("name", KEPT)
def test_a_kept_result_fits_the_record_of_its_benchmark(name: str) -> None:
    record = get_type_hints(module(name).shown)["result"]
    kept = SINCE.get(name, {}) | json.loads((RESULTS / f"{name}.json").read_text())
    assert kept.keys() == fields(record) | {"machine", "at"}
    msgspec.convert(kept, record)
    msgspec.convert(kept["machine"], Machine)


def test_a_result_is_written_with_the_machine_and_the_time(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(common, "RESULTS", tmp_path)
    finish("some", {"ms": summary([1.0, 2.0, 3.0])}, lambda result: [" ".join(cells(result["ms"]))])
    written = json.loads((tmp_path / "some.json").read_text())
    assert list(written) == ["machine", "at", "ms"]
    assert written["ms"] == {"median": 2.0, "p95": 2.9, "runs": 3}
    assert "2 2.9 3" in capsys.readouterr().out


def test_a_function_that_was_not_measured_is_named() -> None:
    once = {"import_ms": summary([1.0]), "ratio": 1.0, "needs": "boto3"}
    result: Any = {"functions": {starts.BARE: once, "judge_model": once}}
    said = [part for part in starts.shown(result) if isinstance(part, str)]
    assert said[0].startswith("Not measured yet: ")
    assert "prepare_training_image" in said[0]
    assert "judge_model" not in said[0]
