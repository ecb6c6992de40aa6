from typing import Any

import pytest

from tests.labelled_stack import labelled_stack


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Any:
    return labelled_stack(monkeypatch)
