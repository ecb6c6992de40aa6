"""Fixtures of the functions' tests."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.fake_account import account
from tests.fake_cloud import Cloud, cloud

__all__ = ["account", "cloud", "step"]


@pytest.fixture
def step(cloud: Cloud, load_app: Callable[..., ModuleType]) -> Callable[..., Any]:
    """`step("settle_round", round=2)` runs a function with its sample event, changed, in the cloud's environment."""
    loaded: dict[str, ModuleType] = {}

    def run(function: str, event: dict[str, Any] | None = None, /, **changes: Any) -> Any:
        if function not in loaded:
            loaded[function] = load_app(function, **cloud.environment)
        given = (cloud.event(function) if event is None else event) | changes
        return loaded[function].handler(given, cloud.context)

    run.apps = loaded  # type: ignore[attr-defined]
    return run
