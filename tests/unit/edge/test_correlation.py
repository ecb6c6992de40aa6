"""What a device says of a model has the id by which everything about that model is found."""

from types import SimpleNamespace
from typing import Any

import pytest

from edge.inspector.model import Model


@pytest.mark.parametrize(("described", "found"), [({"correlation_id": "window-1"}, "window-1"), ({}, "")])
def test_a_model_has_the_id_of_its_training_or_none(described: dict[str, Any], found: str) -> None:
    detector: Any = SimpleNamespace(model=described)
    assert Model("1.0.3", detector).correlation_id == found
