"""The simulated nucleus: installs, starts, rolls back, and stops what it started."""

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from local import device
from local.device import Component, DeploymentFailedError, Nucleus


@pytest.fixture
def nucleus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nucleus:
    monkeypatch.setattr(device, "SETTLE_SECONDS", 0.3)
    made = Nucleus("http://127.0.0.1:9", "line-1", "arn:group", tmp_path, {"source": "/here"})
    monkeypatch.setattr(made, "report", lambda _status: None)
    return made


def component(name: str, version: str, run: str, install: str = "true", **settings: str) -> Component:
    lifecycle = {
        "Install": {"Script": install},
        "Run": {"Script": run, "Setenv": {"COLOUR": "{configuration:/colour}"}},
    }
    return Component(name, version, {"Manifests": [{"Lifecycle": lifecycle}]}, settings)


def test_variables_are_filled_in_and_unknown_ones_stay(nucleus: Nucleus, tmp_path: Path) -> None:
    shown = nucleus._fill(
        "{iot:thingName} {configuration:/colour} {work:path} {no:such}", component("c", "1.0.0", "", colour="red")
    )
    assert shown == f"line-1 red {tmp_path}/work/c {{no:such}}"


def test_a_component_runs_with_its_environment_and_is_stopped_with_its_children(
    nucleus: Nucleus, tmp_path: Path
) -> None:
    script = "sh -c 'echo $COLOUR > out; sleep 60 & wait'"
    nucleus._change_to({"c": component("c", "1.0.0", script, colour="red")})
    process = nucleus.running["c"].process
    assert process is not None
    assert (tmp_path / "work" / "c" / "out").read_text() == "red\n"
    nucleus.stop()
    assert process.poll() is not None


def test_an_unchanged_component_is_left_alone(nucleus: Nucleus) -> None:
    nucleus._change_to({"c": component("c", "1.0.0", "sleep 60")})
    before = nucleus.running["c"].process
    nucleus._change_to({"c": component("c", "1.0.0", "sleep 60"), "d": component("d", "1.0.0", "sleep 60")})
    assert nucleus.running["c"].process is before
    nucleus.stop()


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (component("c", "1.0.1", "sleep 60", install="exit 3"), "Install ended with exit code"),
        (component("c", "1.0.1", "sh -c 'exit 4'"), "ended with exit code 4"),
    ],
)
def test_a_component_that_does_not_start_fails_the_deployment(nucleus: Nucleus, bad: Component, said: str) -> None:
    with pytest.raises(DeploymentFailedError, match=said):
        nucleus._change_to({"c": bad})
    nucleus.stop()


class Cloud:
    """The control plane and S3 as the nucleus asks them."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.exceptions = type("Exceptions", (), {"ClientError": KeyError})

    def get_component(self, arn: str) -> dict[str, Any]:
        version = arn.rsplit(":", 1)[1]
        script = "sleep 60" if version == "1.0.0" else "sh -c 'exit 4'"
        settings = {"sha256": "wrong" if version == "1.0.2" else "", "source": "/there"}
        manifest = {"Lifecycle": {"Run": {"Script": script}}, "Artifacts": [{"Uri": "s3://b/model.zip"}]}
        recipe = {"Manifests": [manifest], "ComponentConfiguration": {"DefaultConfiguration": settings}}
        return {"recipe": json.dumps(recipe)}

    def get_object(self, **_: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.body)}


def deployment(number: str, version: str) -> dict[str, Any]:
    return {"deploymentId": number, "components": {"com.sightline.Model": {"componentVersion": version}}}


def test_a_failed_deployment_brings_back_what_ran_before_and_says_why(
    nucleus: Nucleus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("model.json", "{}")
    cloud = Cloud(buffer.getvalue())
    nucleus._greengrass = nucleus._s3 = cloud
    told: list[str] = []
    monkeypatch.setattr(nucleus, "_publish_broken", lambda reason, _deployment: told.append(reason))
    nucleus._take(deployment("one", "1.0.0"))
    assert nucleus.deployment == {"id": "one", "status": "SUCCEEDED"}
    assert nucleus.running["com.sightline.Model"].settings["source"] == "/here"
    assert (tmp_path / "packages/artifacts-unarchived/com.sightline.Model/1.0.0/model/model.json").is_file()
    for number, version, said in (("two", "1.0.1", "exit code 4"), ("three", "1.0.2", "the digest of")):
        nucleus._take(deployment(number, version))
        assert nucleus.deployment["status"] == "FAILED"
        assert said in told[-1]
        assert {name: running.version for name, running in nucleus.running.items()} == {"com.sightline.Model": "1.0.0"}
        process = nucleus.running["com.sightline.Model"].process
        assert process is not None
        assert process.poll() is None
    nucleus.stop()


def test_a_component_that_ends_later_is_started_again(nucleus: Nucleus) -> None:
    nucleus._change_to({"c": component("c", "1.0.0", "sleep 60")})
    process = nucleus.running["c"].process
    assert process is not None
    process.kill()
    process.wait()
    nucleus._look_after()
    time.sleep(0.1)
    again = nucleus.running["c"].process
    assert again is not None
    assert again is not process
    assert again.poll() is None
    nucleus.stop()
