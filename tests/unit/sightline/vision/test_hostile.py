"""Hostile images: each is refused with its own sentence or decoded, at little cost, and nothing else is harmed."""

import re
import time

import pytest

from benchmarks.common import ROOT
from benchmarks.hostile import measure
from sightline.vision.decode import UndecodableImageError, decode
from tests.hostile import cases
from tests.hostile.case import Case, photo, saved

CASES = cases()
SECONDS, MEMORY = 2.0, 512 << 20  # what one file may cost


def said(body: bytes) -> str:
    try:
        assert decode(body).ndim == 3
    except UndecodableImageError as refused:
        return str(refused)
    return ""


def check(case: Case, refusal: str | None) -> None:
    assert refusal is not None, "the decoder broke down"
    assert "\n" not in refusal
    assert re.search(case.said, refusal), f"{refusal!r} instead of {case.said!r}"


def test_there_are_many_kinds() -> None:
    assert len(CASES) >= 120
    assert len({case.family for case in CASES}) >= 12
    assert len({str(case) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", [case for case in CASES if case.quick], ids=str)
def test_a_hostile_file_is_refused_by_its_name_or_decoded(case: Case) -> None:
    body, start = case.make(), time.process_time()
    check(case, said(body))
    assert time.process_time() - start < SECONDS


def test_what_comes_after_hostile_files_is_decoded() -> None:
    good = {kind: saved(photo(), kind) for kind in ("JPEG", "PNG", "BMP", "WEBP", "TIFF")}
    for case in [case for case in CASES if case.quick][::9]:
        said(case.make())
        assert [said(body) for body in good.values()] == [""] * len(good)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_hostile_file_costs_little(case: Case) -> None:
    cost = measure(case.make(), ROOT / "layers" / "sightline")
    check(case, cost.said)
    assert cost.processor_seconds <= SECONDS
    assert cost.memory <= MEMORY
