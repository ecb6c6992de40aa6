"""Roll-outs for the tests of their rules."""

from typing import Any

from sightline.rollout.record import Rollout

NOW = 1_800_000_000  # seconds since 1970


def rollout(**changes: Any) -> Rollout:
    """The fleet's roll-out, read from its item: 1.0.1 is healthy on two devices, there is no canary group."""
    item = {
        "pk": "group#line",
        "execution": "execution-1",
        "model_version": "1.0.1",
        "approved_at": "2026-11-20T09:00:00Z",
        "status": "HEALTHY",
        "stage": "fleet",
        "stages": ["fleet"],
        "things": ["line-1", "line-2"],
        "task_token": "token",
        "deadline": NOW + 60,
        "hold_seconds": 1500,
        "components": {"fleet": {}},
        "previous": {"fleet": {}},
        "deployments": {"fleet": "deployment-1"},
        "failed": {},
        "bake": {},
    }
    return Rollout.from_item(item | changes)
