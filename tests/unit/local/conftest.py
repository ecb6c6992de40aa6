"""Each test gets the extension with nothing in it, and roles that SageMaker may assume."""

from typing import Any

import pytest

from local.emulator.sagemaker import api, feature_groups, job_life, jobs, offline_store, registry


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What was put on the event bus: (detail type, detail)."""
    sent: list[tuple[str, dict[str, Any]]] = []
    for module in (job_life, registry):
        monkeypatch.setattr(module, "emit", lambda kind, detail, resources: sent.append((kind, dict(detail))))
    return sent


@pytest.fixture(autouse=True)
def empty_account(monkeypatch: pytest.MonkeyPatch, events: Any) -> None:
    for module, stores in {
        jobs: ("_jobs",),
        job_life: ("runs",),
        registry: ("_groups", "_packages", "_by_token"),
        feature_groups: ("_groups",),
        offline_store: ("_rows",),
    }.items():
        for store in stores:
            monkeypatch.setattr(module, store, {})
        if module in (jobs, feature_groups):
            monkeypatch.setattr(module, "refuse_unless_trusting", lambda role, service: None)


@pytest.fixture
def call() -> Any:
    """`call("CreateModelPackage", …)`: an operation with its request and its answer checked."""
    return lambda name, **request: api.call(name, request)
