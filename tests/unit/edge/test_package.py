"""The components: packed the same each time, installed by themselves, with recipes that Greengrass takes."""

import copy
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from edge import package
from edge.inspector import environment as environments
from edge.inspector.settings import KEYS, defaults
from sightline.names import OwnComponents
from sightline.rollout.recipes import inspector_recipe, model_recipe
from tests.named import OWN
from tests.project import ROOT

SCHEMA = jsonschema.Draft202012Validator(
    json.loads((ROOT / "local" / "emulator" / "greengrass" / "recipe.schema.json").read_text())
)
RECIPES = {
    OWN.inspector: inspector_recipe(OWN, "1.0.1", "s3://bucket/inspector.zip", defaults()),
    OWN.model: model_recipe(OWN, "1.0.3", "s3://bucket/model.zip", sha256="ab" * 32),
}
COMPONENTS = ROOT / "edge" / "components"
KIT = OwnComponents("sightline")  # whose files those of the Development Kit are
KIT_FOLDERS = {KIT.inspector: COMPONENTS / "inspector", KIT.model: COMPONENTS / "model"}


def test_the_package_is_the_same_for_the_same_sources_and_runs_by_itself(tmp_path: Path) -> None:
    assert package.inspector_zip() == package.inspector_zip()
    with zipfile.ZipFile(io.BytesIO(package.inspector_zip())) as archive:
        archive.extractall(tmp_path)
    environment = {"PYTHONPATH": str(tmp_path), "PATH": ""}
    for module, said in (("inspector", "Inspect images"), ("inspector.install", "Install what the inspector needs")):
        command = [sys.executable, "-m", module, "--help"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        assert said in done.stdout


def test_the_packaged_inspector_imports_neither_torch_nor_boto3_nor_opencv_nor_an_mqtt_client(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(package.inspector_zip())) as archive:
        archive.extractall(tmp_path)
    program = (
        "import sys, inspector.service; "
        "print([name for name in ('torch', 'boto3', 'botocore', 'cv2', 'paho', 'awsiot') if name in sys.modules])"
    )
    environment = {"PYTHONPATH": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_pass_the_strict_schema_and_run_without_root(name: str) -> None:
    SCHEMA.validate(RECIPES[name])
    assert "RequiresPrivilege" not in json.dumps(RECIPES[name])


def places(value: Any) -> list[list[Any]]:
    """The path of every object in a recipe whose keys the schema has to know."""
    found: list[list[Any]] = [[]]
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []:
        if key not in ("DefaultConfiguration", "Setenv", "Platform", "ComponentDependencies", "accessControl"):
            found += [[key, *rest] for rest in places(inner)]
    return [path for path in found if isinstance(at(value, path), dict)]


def at(value: Any, path: list[Any]) -> Any:
    for key in path:
        value = value[key]
    return value


@pytest.mark.parametrize("name", RECIPES)
def test_an_unknown_key_and_a_key_in_lower_case_are_refused_everywhere(name: str) -> None:
    for path in places(RECIPES[name]):
        wrong = copy.deepcopy(RECIPES[name])
        at(wrong, path)["Unknown"] = "x"
        assert not SCHEMA.is_valid(wrong), path
        for key in at(RECIPES[name], path):
            lowered = copy.deepcopy(RECIPES[name])
            place = at(lowered, path)
            place[key.lower()] = place.pop(key)
            assert not SCHEMA.is_valid(lowered), (path, key)


def test_a_component_may_do_only_what_it_needs() -> None:
    configuration = RECIPES[OWN.inspector]["ComponentConfiguration"]["DefaultConfiguration"]
    (policy,) = configuration["accessControl"]["aws.greengrass.ipc.mqttproxy"].values()
    assert set(configuration["accessControl"]) == {"aws.greengrass.ipc.mqttproxy"}
    assert policy["operations"] == ["aws.greengrass#PublishToIoTCore"]
    assert policy["resources"] == [
        f"sightline/plant/*/{topic}" for topic in ("verdicts", "health", "telemetry", "alarms")
    ]
    assert "accessControl" not in RECIPES[OWN.model]["ComponentConfiguration"]["DefaultConfiguration"]


def test_settings_that_change_while_it_runs_do_not_stand_in_the_lifecycle() -> None:
    recipe = RECIPES[OWN.inspector]
    assert set(recipe["ComponentConfiguration"]["DefaultConfiguration"]) == {*KEYS, "accessControl"}
    lifecycle = json.dumps(recipe["Manifests"])
    assert [key for key in KEYS if f"{{configuration:/{key}}}" in lifecycle] == ["video"]


def test_the_models_digest_is_checked_on_the_device(tmp_path: Path) -> None:
    (tmp_path / "model.zip").write_bytes(b"the model")
    for body, code in ((b"the model", 0), (b"another", 1)):
        recipe = model_recipe(OWN, "1.0.3", "s3://bucket/model.zip", sha256=hashlib.sha256(body).hexdigest())
        script = recipe["Manifests"][0]["Lifecycle"]["Install"]["Script"]
        digest = recipe["ComponentConfiguration"]["DefaultConfiguration"]["sha256"]
        filled = script.replace("{configuration:/sha256}", digest).replace("{artifacts:path}", str(tmp_path))
        assert subprocess.run(["/bin/sh", "-c", filled], capture_output=True).returncode == code


@pytest.mark.parametrize("name", KIT_FOLDERS)
def test_the_development_kits_files_say_what_the_application_says(name: str, tmp_path: Path) -> None:
    config = json.loads((KIT_FOLDERS[name] / "gdk-config.json").read_text())
    assert list(config["component"]) == [name]
    assert config["component"][name]["build"]["custom_build_command"] == ["python3", "../../package.py", name]
    uri = f"s3://BUCKET_NAME/COMPONENT_NAME/COMPONENT_VERSION/{name.rsplit('.', 1)[1].lower()}.zip"
    recipe = (
        inspector_recipe(KIT, "{COMPONENT_VERSION}", uri, defaults())
        if name == KIT.inspector
        else model_recipe(KIT, "{COMPONENT_VERSION}", uri, sha256="ARTIFACT_SHA256")
    )
    assert json.loads((KIT_FOLDERS[name] / "recipe.json").read_text()) == recipe


def test_the_development_kit_can_build_both(tmp_path: Path) -> None:
    release = tmp_path / "release"
    release.mkdir()
    (release / "model.json").write_text("{}")
    for name, files in KIT_FOLDERS.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "recipe.json").write_text((files / "recipe.json").read_text())
        command = [sys.executable, str(ROOT / "edge" / "package.py"), name]
        environment = {**os.environ, "SIGHTLINE_RELEASE": str(release)}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
        body = Path(done.stdout.strip()).read_bytes()
        built = json.loads((folder / "greengrass-build" / "recipes" / "recipe.json").read_text())
        digest = built["ComponentConfiguration"]["DefaultConfiguration"].get("sha256", hashlib.sha256(body).hexdigest())
        assert digest == hashlib.sha256(body).hexdigest()


def test_the_environment_is_made_once_and_runs_what_it_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_LINK_PACKAGES", "1")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("numpy==2.4.6\n")
    environment = tmp_path / "environment"
    assert [environments.install(environment, [requirements]) for _ in range(2)] == [True, False]
    requirements.write_text("numpy==2.4.7\n")
    assert environments.install(environment, [requirements]) is True
    python = environment / "bin" / "python"
    subprocess.run([python, "-c", "import numpy, onnxruntime"], check=True)
