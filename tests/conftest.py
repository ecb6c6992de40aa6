"""What every test gets: no way to a real AWS account, and `load_app`, which loads a function as Lambda would."""

import importlib.util
import os
import tempfile
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import pytest
from botocore.loaders import JSONFileLoader
from moto.core.serialize import JSONSerializer
from moto.dynamodb.responses import DynamoHandler
from xdist.scheduler import LoadFileScheduling

from sightline.aws import clients
from tests import openapi
from tests.given_aws import GivenAws
from tests.rights import FunctionAws

ROOT = Path(__file__).parent.parent
ONE_STACK = "tests/e2e/"  # all tests there use the same stack

# Where parts of the emulator that a test runs in its own process keep their keys; removed at the end.
EMULATOR_STATE = tempfile.TemporaryDirectory(prefix="sightline-tests-")

# At import, so that a module that makes a client while it is collected gets them too.
for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
    os.environ.pop(name, None)
os.environ |= {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "STATE_DIR": EMULATOR_STATE.name,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "POWERTOOLS_TRACE_DISABLED": "true",
    "STACK_NAME": "plant",
    "POWERTOOLS_SERVICE_NAME": "plant",
    "POWERTOOLS_METRICS_NAMESPACE": "Sightline",
}

# A slow machine is no failure, and the same commit gives the same examples.
hypothesis.settings.register_profile(
    "sightline", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("sightline")


class ScopesOfStacks(LoadFileScheduling):
    """Keep the tests of a file on one process, and those that share a stack."""

    def _split_scope(self, nodeid: str) -> str:
        return ONE_STACK if nodeid.startswith(ONE_STACK) else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ScopesOfStacks | None:
    return ScopesOfStacks(config, log) if config.getvalue("dist") == "loadfile" else None


# moto forgets boto3's session after each test, and with it every service model: reading them anew is most of a test's
# time.
_read = cache(JSONFileLoader().load_file)
JSONFileLoader.load_file = lambda _, path: _read(path)  # type: ignore[method-assign, assignment, misc]


# moto's tables are one dictionary without a lock; workflows and people that run at once would find it changed while
# they read.
_call, _one_at_a_time = DynamoHandler.call_action, threading.RLock()


def _call_alone(self: DynamoHandler) -> Any:
    with _one_at_a_time:
        return _call(self)


DynamoHandler.call_action = _call_alone  # type: ignore[method-assign]


# moto looks for each of the ten kinds of value that an attribute of an item may have, by four names: half the time of
# the tests with tables. An attribute has the kinds that its dictionary has.
_serialize_structure = JSONSerializer._serialize_type_structure


def _serialize_what_is_there(self: JSONSerializer, serialized: Any, value: Any, shape: Any, key: str) -> None:
    if shape.name != "AttributeValue" or type(value) is not dict or not value.keys() <= shape.members.keys():
        _serialize_structure(self, serialized, value, shape, key)
        return
    serialized[key] = self.MAP_TYPE()
    for kind, inner in value.items():
        self._serialize(serialized[key], inner, shape.members[kind], kind)


JSONSerializer._serialize_type_structure = _serialize_what_is_there  # type: ignore[method-assign]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> GivenAws:
    """The account of the functions that this test loads: `aws.given["iot"] = …` stands for one of its services."""
    made = GivenAws()
    monkeypatch.setattr(clients, "Aws", lambda: made)
    return made


@pytest.fixture
def load_app(monkeypatch: pytest.MonkeyPatch, aws: GivenAws) -> Callable[..., ModuleType]:
    """`load_app("judge_model", MIN_MAP="0.5")` imports functions/judge_model/app.py anew under that environment, with
    the rights that its role has in the template.
    """

    def load(function: str, **environment: str) -> ModuleType:
        for key, value in environment.items():
            monkeypatch.setenv(key, value)
        monkeypatch.setattr(clients, "Aws", lambda: FunctionAws(aws, function))
        path = ROOT / "functions" / function / "app.py"
        spec = importlib.util.spec_from_file_location(f"functions_{function}_app", path)
        assert spec and spec.loader, path
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        if hasattr(module, "api"):
            module.handler = openapi.checked(module.handler)  # type: ignore[attr-defined]
        return module

    return load
