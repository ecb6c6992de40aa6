"""The files of a device's components: artifacts that are checked, settings that are replaced as a whole."""

from pathlib import Path

import pytest

from local.device.component import Component, DeploymentFailedError
from local.device.component_files import ComponentFiles, digest
from local.device.recipe import Artifact

URI = "s3://bucket/parts/c.bin"


@pytest.fixture
def files(tmp_path: Path) -> ComponentFiles:
    return ComponentFiles(tmp_path)


@pytest.fixture
def component() -> Component:
    return Component("c", "1.0.0", {}, {"colour": "red"})


def test_an_artifact_is_downloaded_once(files: ComponentFiles, component: Component) -> None:
    asked: list[str] = []

    def download(uri: str) -> bytes:
        asked.append(uri)
        return b"whole"

    artifact: Artifact = {"Uri": URI, "Digest": digest(b"whole")}
    for _ in range(2):
        files.fetch(component, artifact, download)
    assert asked == [URI]
    assert (files.root / "packages/artifacts/c/1.0.0/c.bin").read_bytes() == b"whole"


def test_another_artifact_than_that_of_the_component_is_refused_and_not_kept(
    files: ComponentFiles, component: Component
) -> None:
    with pytest.raises(DeploymentFailedError, match="is not what the component was created with"):
        files.fetch(component, {"Uri": URI, "Digest": digest(b"whole")}, lambda _: b"other")
    assert not files.artifacts(component).exists()


def test_settings_that_did_not_change_are_not_written_again(files: ComponentFiles, component: Component) -> None:
    files.write_settings(component)
    before = files.settings(component).stat().st_ino
    files.write_settings(component)
    assert files.settings(component).stat().st_ino == before
    component.settings = {"colour": "blue"}
    files.write_settings(component)
    assert files.settings(component).stat().st_ino != before
