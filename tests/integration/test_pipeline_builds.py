"""The jobs that need no account, in a clone: they check the commit, and build it once for all stages."""

import os
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline_account import PipelineAccount
from tests.pipeline_builds import Builds, clone, environment_with_packages


@pytest.fixture
def builds(tmp_path: Path) -> Iterator[Builds]:
    nowhere = PipelineAccount("http://127.0.0.1:9", tmp_path)
    yield Builds(nowhere, clone(tmp_path / "source"))
    nowhere.github.close()


def test_the_job_that_checks_runs_all_that_a_change_has_to_pass(builds: Builds, tmp_path: Path) -> None:
    """`make` is played: these tests are what it would run."""
    made = tmp_path / "bin" / "make"
    made.parent.mkdir()
    made.write_text('#!/bin/sh\necho "$PWD: make $*"\n')
    made.chmod(0o755)
    path = os.pathsep.join([str(made.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    said = builds.well("Check", PATH=path).splitlines()
    assert said == [f"{builds.source}: make {what}" for what in ("test", "soak", "check")]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_job_that_builds_leaves_what_the_stages_deploy(builds: Builds) -> None:
    """Layers get the packages of this environment: Lambda's own would have to be downloaded."""
    environment_with_packages(builds.source)
    python = str(builds.source / ".venv" / "bin" / "python")
    said = builds.well("Build", without=(), SIGHTLINE_NATIVE="1", PYTHON=python, AWS_DEFAULT_REGION="us-east-1")
    assert "Set-up done." in said
    with tarfile.open(builds.source / "build" / "pipeline" / "built.tar.gz") as tar:
        names = tar.getnames()
    assert {".aws-sam/build.toml", ".aws-sam/build/template.yaml"} <= set(names)
    for layer in ("SightlineLayer", "ConsoleLayer", "ImagingLayer", "OnnxLayer"):
        assert [name for name in names if name.startswith(f".aws-sam/build/{layer}/python/")], layer
