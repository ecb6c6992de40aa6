"""Messages in queues wait as long as they should, whatever becomes of the time of day."""

import time

import pytest
from ministack.services import lambda_svc, sqs

from local.emulator import steady_clock


@pytest.mark.parametrize("hours", [-5, 5])
def test_queues_do_not_see_that_the_clock_is_set(hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sqs, lambda_svc):
        monkeypatch.setattr(module, "time", time)
    steady_clock.register()
    before, true = sqs.time.time(), time.time
    assert abs(before - true()) < 60
    monkeypatch.setattr(time, "time", lambda: true() + hours * 3600)
    assert 0 <= sqs.time.time() - before < 5
    assert 0 <= lambda_svc.time.time() - before < 5
    assert sqs.time.monotonic() <= time.monotonic()
