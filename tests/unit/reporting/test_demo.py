"""The demo's page: which verdicts come first, and what is told of a training that was cut short."""

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from reporting.demo import cut_short, verdicts

BOX: Any = {"class_id": 0, "left": 2, "top": 2, "width": 5, "height": 5}


def test_wrong_verdicts_come_first_then_those_that_are_left_to_a_person(tmp_path: Path) -> None:
    body = io.BytesIO()
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(body, "JPEG")
    said = {"right.jpg": "fail", "asked.jpg": "review", "wrong.jpg": "pass"}
    unseen = {name: tmp_path / name for name in said}
    for path in unseen.values():
        path.write_bytes(body.getvalue())
    device: list[Any] = [
        {"image": name, "verdict": verdict, "detections": [], "latency_ms": 3.4} for name, verdict in said.items()
    ]
    shown = verdicts(device, unseen, {name: [BOX] for name in said})
    assert re.findall(r"<figcaption>(.*?)</figcaption>", shown) == [
        "pass ✗ should be fail · nothing found · 3 ms · wrong.jpg",
        "review → a person: fail · nothing found · 3 ms · asked.jpg",
        "fail ✓ · nothing found · 3 ms · right.jpg",
    ]


def test_only_a_training_that_ended_early_was_cut_short() -> None:
    assert cut_short({"epochs": 50, "epochs_planned": 50}) == ""
    assert "after 20 of 50 epochs" in cut_short({"epochs": 20, "epochs_planned": 50})
