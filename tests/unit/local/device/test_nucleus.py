"""The simulated nucleus: what Greengrass promises of deployments, configuration, lifecycles and restarts."""

import base64
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from local.device.interfaces import Process
from local.device.nucleus import Nucleus
from local.device.recipe import Artifact, Dependency, Manifest, Recipe
from local.emulator.greengrass.messages import DeploymentJob, DeviceReport


def archive(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(zipfile.ZipInfo("hello.txt"), text)  # without the time: the same text gives the same bytes
    return buffer.getvalue()


class Cloud:
    """Components by name and version, one artifact, and a deployment to hand out."""

    def __init__(self) -> None:
        self.recipes: dict[tuple[str, str], Recipe] = {}
        self.body = archive("hello")
        self.job: DeploymentJob | None = None
        self.reports: list[DeviceReport] = []
        self.online = True
        self.downloads = 0

    def publish(self, name: str, version: str, defaults: dict[str, object] | None = None, **lifecycle: Any) -> None:
        digest = base64.b64encode(hashlib.sha256(archive("hello")).digest()).decode()
        artifact: Artifact = {"Uri": "s3://bucket/c.zip", "Unarchive": "ZIP", "Digest": digest}
        manifest: Manifest = {"Platform": {"os": "linux"}, "Artifacts": [artifact]}
        manifest["Lifecycle"] = lifecycle  # type: ignore[typeddict-item]
        self.recipes[name, version] = {
            "Manifests": [manifest],
            "ComponentConfiguration": {"DefaultConfiguration": defaults or {}},
        }

    def deploy(self, number: str, **components: Any) -> None:
        entries = {name: {"componentVersion": v} if isinstance(v, str) else v for name, v in components.items()}
        self.job = {"deploymentId": number, "components": entries}

    def exchange(self, thing: str, report: DeviceReport) -> DeploymentJob | None:
        if not self.online:
            raise ConnectionError("offline")
        self.reports.append(json.loads(json.dumps(report)))
        return self.job

    def versions(self, name: str) -> list[str]:
        return [version for known, version in self.recipes if known == name]

    def recipe(self, name: str, version: str) -> Recipe:
        return self.recipes[name, version]

    def artifact(self, uri: str) -> bytes:
        self.downloads += 1
        if not self.body:
            raise LookupError("403 Forbidden")
        return self.body


class Script:
    code: int | None = None

    def poll(self) -> int | None:
        return self.code

    def stop(self) -> None:
        self.code = self.code or 0


class Runner:
    """Remembers the scripts it ran; those with `fail` in them do."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.environments: list[dict[str, str]] = []
        self.processes: list[Script] = []

    def run(self, script: str, work: Path, environment: dict[str, str], log: Path, timeout: float) -> int:
        self.ran.append(script)
        if "slow" in script:
            raise TimeoutError
        return int("fail" in script)

    def start(self, script: str, work: Path, environment: dict[str, str], log: Path) -> Process:
        self.ran.append(script)
        self.environments.append(environment)
        made = Script()
        made.code = 4 if "fail" in script else None
        self.processes.append(made)
        return made

    def settle(self, processes: dict[str, Process]) -> None:
        pass


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def runner() -> Runner:
    return Runner()


@pytest.fixture
def nucleus(tmp_path: Path, cloud: Cloud, runner: Runner) -> Nucleus:
    return Nucleus("line-1", tmp_path, cloud, runner, {"source": "/here"})


def settings(nucleus: Nucleus, name: str = "c") -> Any:
    return json.loads((nucleus.root / "settings" / f"{name}.json").read_text())


def test_variables_are_filled_in_and_unknown_ones_stay(nucleus: Nucleus, cloud: Cloud, runner: Runner) -> None:
    script = "{iot:thingName} {configuration:/colour} {configuration:/video} {work:path} {artifacts:path} {no:such}"
    lifecycle = {"Setenv": {"A": "{iot:thingName}"}, "Run": {"Script": script, "Setenv": {"B": "{work:path}"}}}
    cloud.publish("c", "1.0.0", {"colour": "red", "video": False, "source": "/there"}, **lifecycle)
    cloud.deploy("one", c="1.0.0")
    nucleus.step()
    root = nucleus.root
    assert runner.ran == [f"line-1 red false {root}/work/c {root}/packages/artifacts/c/1.0.0 {{no:such}}"]
    assert (runner.environments[0]["A"], runner.environments[0]["B"]) == ("line-1", f"{root}/work/c")
    assert runner.environments[0]["SIGHTLINE_SETTINGS"] == str(root / "settings" / "c.json")
    assert settings(nucleus)["source"] == "/here"
    assert (root / "packages/artifacts-unarchived/c/1.0.0/c/hello.txt").read_text() == "hello"


def test_what_others_depend_on_is_resolved_and_started_first(nucleus: Nucleus, cloud: Cloud, runner: Runner) -> None:
    cloud.publish("base", "1.0.0", Run="old base")
    cloud.publish("base", "1.1.0", Run="base")
    cloud.publish("base", "2.0.0", Run="new base")
    cloud.publish("a", "1.0.0", Install="install a", Startup="start a", Run="a")
    needs: dict[str, Dependency] = {
        "base": {"VersionRequirement": "^1.0.0"},
        "aws.greengrass.TokenExchangeService": {"VersionRequirement": "^2.0.0"},
    }
    cloud.recipes["a", "1.0.0"]["ComponentDependencies"] = needs
    cloud.deploy("one", a="1.0.0")
    nucleus.step()
    assert runner.ran == ["base", "install a", "start a", "a"]
    assert [(c["name"], c["version"], c["root"]) for c in cloud.reports[-1]["components"]] == [
        ("base", "1.1.0", False),
        ("a", "1.0.0", True),
    ]


def test_a_configuration_stays_until_it_is_reset_or_merged_and_leaves_a_component_running(
    nucleus: Nucleus, cloud: Cloud, runner: Runner
) -> None:
    cloud.publish("c", "1.0.0", {"colour": "red", "size": 1}, Run="run")
    cloud.deploy("one", c={"componentVersion": "1.0.0", "configurationUpdate": {"merge": '{"size": 2, "more": 3}'}})
    nucleus.step()
    cloud.deploy("two", c="1.0.0")
    nucleus.step()
    assert settings(nucleus) == {"colour": "red", "size": 2, "more": 3}
    cloud.deploy(
        "three", c={"componentVersion": "1.0.0", "configurationUpdate": {"reset": ["/size"], "merge": '{"more": 4}'}}
    )
    nucleus.step()
    assert settings(nucleus) == {"colour": "red", "size": 1, "more": 4}
    assert runner.ran == ["run"]
    cloud.publish("c", "1.0.1", {"colour": "blue", "new": 5}, Run="run")
    cloud.deploy("four", c="1.0.1")
    nucleus.step()
    assert settings(nucleus) == {"colour": "red", "size": 1, "more": 4, "new": 5}  # as a device does: what it has stays
    cloud.deploy("five", c={"componentVersion": "1.0.1", "configurationUpdate": {"reset": [""]}})
    nucleus.step()
    assert settings(nucleus) == {"colour": "blue", "new": 5}


@pytest.mark.parametrize(
    ("lifecycle", "said"),
    [
        ({"Install": "fail"}, "c 1.0.1: Install ended with exit code 1"),
        ({"Install": {"Script": "slow", "Timeout": 7}}, "c 1.0.1: Install took longer than 7 s"),
        ({"Startup": "fail"}, "c 1.0.1: Startup ended with exit code 1"),
        ({"Run": "fail"}, "c 1.0.1 ended with exit code 4"),
    ],
)
def test_a_deployment_that_fails_brings_back_what_ran_before_and_says_why(
    nucleus: Nucleus, cloud: Cloud, lifecycle: Any, said: str
) -> None:
    cloud.publish("c", "1.0.0", {"colour": "red"}, Run="run")
    cloud.deploy("one", c="1.0.0")
    nucleus.step()
    cloud.publish("c", "1.0.1", {}, **lifecycle)
    cloud.deploy("two", c={"componentVersion": "1.0.1", "configurationUpdate": {"merge": '{"colour": "blue"}'}})
    nucleus.step()
    assert cloud.reports[-1]["deployment"] == {"id": "two", "status": "FAILED", "reason": said}
    assert cloud.reports[-1]["status"] == "UNHEALTHY"
    assert [(c["version"], c["state"]) for c in cloud.reports[-1]["components"]] == [("1.0.0", "RUNNING")]
    assert settings(nucleus) == {"colour": "red"}


@pytest.mark.parametrize(
    ("body", "said"),
    [(b"", "can't be downloaded: 403 Forbidden"), (archive("bad"), "is not what the component was created")],
)
def test_what_can_not_be_downloaded_whole_touches_nothing(
    nucleus: Nucleus, cloud: Cloud, runner: Runner, body: bytes, said: str
) -> None:
    cloud.publish("c", "1.0.0", Run="run")
    cloud.deploy("one", c="1.0.0")
    nucleus.step()
    cloud.publish("c", "1.0.1", Run="other")
    cloud.body = body
    cloud.deploy("two", c="1.0.1")
    nucleus.step()
    assert said in cloud.reports[-1]["deployment"]["reason"]
    assert (runner.ran, runner.processes[0].poll()) == (["run"], None)


def test_an_artifact_that_is_there_is_not_downloaded_again(nucleus: Nucleus, cloud: Cloud) -> None:
    cloud.publish("c", "1.0.0", Run="run")
    for number in ("one", "two"):
        cloud.deploy(number, c="1.0.0")
        nucleus.step()
    assert cloud.downloads == 1


def test_what_a_deployment_no_longer_names_is_stopped_and_gone(nucleus: Nucleus, cloud: Cloud, runner: Runner) -> None:
    cloud.publish("c", "1.0.0", Run="run", Shutdown="bye")
    cloud.deploy("one", c="1.0.0")
    nucleus.step()
    cloud.deploy("two")
    nucleus.step()
    assert (runner.ran, runner.processes[0].poll()) == (["run", "bye"], 0)
    assert cloud.reports[-1]["components"] == []


def test_a_component_that_ends_is_started_again_and_broken_after_three_times(
    nucleus: Nucleus, cloud: Cloud, runner: Runner
) -> None:
    cloud.publish("c", "1.0.0", Run="run")
    cloud.deploy("one", c="1.0.0")
    nucleus.step()
    for _ in range(3):
        runner.processes[-1].code = 9
        nucleus.look_after()
        nucleus.step()
    states = [event["lifecycleState"] for report in cloud.reports for event in report["events"]]
    assert (runner.ran, states) == (["run"] * 3, ["ERRORED", "ERRORED", "BROKEN"])
    assert cloud.reports[-1]["components"][0]["state"] == "BROKEN"
    cloud.deploy("two", c="1.0.0")  # any deployment tries a broken component again
    nucleus.step()
    assert cloud.reports[-1]["components"][0]["state"] == "RUNNING"


def test_what_broke_while_the_cloud_was_away_is_told_later(nucleus: Nucleus, cloud: Cloud, runner: Runner) -> None:
    cloud.publish("c", "1.0.0", Run="run")
    cloud.deploy("one", c="1.0.0")
    nucleus.step()
    cloud.online, runner.processes[-1].code = False, 9
    nucleus.look_after()
    with pytest.raises(ConnectionError):
        nucleus.step()
    cloud.online = True
    nucleus.step()
    assert [event["lifecycleState"] for event in cloud.reports[-1]["events"]] == ["ERRORED"]


def test_a_device_that_is_switched_on_again_runs_what_it_ran_also_without_the_cloud(
    nucleus: Nucleus, cloud: Cloud, tmp_path: Path
) -> None:
    cloud.publish("c", "1.0.0", {"colour": "red"}, Install="install", Run="run")
    cloud.deploy("one", c="1.0.0")
    nucleus.step()
    nucleus.stop()
    cloud.online = False
    fresh = Runner()
    again = Nucleus("line-1", tmp_path, cloud, fresh, {})
    again.start()
    assert fresh.ran == ["run"]
    cloud.online = True
    again.step()
    assert cloud.reports[-1]["deployment"] == {"id": "one", "status": "SUCCEEDED"}
    assert fresh.ran == ["run"]
