"""The layers fit the runtime of the functions: its Python, and the C library of its Amazon Linux."""

import re
from pathlib import Path

import pytest

from tests.project import ROOT, functions, resources, template

MAKEFILES = sorted((ROOT / "layers").glob("*/Makefile"))
# glibc of a runtime. Source: Lambda developer guide, "Lambda runtimes": up to Python 3.11 Amazon Linux 2, then 2023.
GLIBC = {"python3.11": (2, 26), "python3.12": (2, 34), "python3.13": (2, 34)}
RUNTIME = template()["Globals"]["Function"]["Runtime"]


def test_functions_and_layers_have_one_runtime() -> None:
    assert [name for name, function in functions().items() if "Runtime" in function] == []
    compatible = [
        layer["Properties"]["CompatibleRuntimes"] for layer in resources("AWS::Serverless::LayerVersion").values()
    ]
    assert compatible == [[RUNTIME]] * len(compatible)


@pytest.mark.parametrize("makefile", MAKEFILES, ids=lambda path: path.parent.name)
def test_a_layer_is_built_for_the_python_of_the_functions(makefile: Path) -> None:
    """Whatever Python builds it: a layer of another one deploys, and crashes at its first import."""
    text = makefile.read_text()
    assert re.findall(r"^RUNTIME := (\S+)$", text, re.MULTILINE) == [RUNTIME.removeprefix("python")]
    assert "--python-version $(RUNTIME)" in text


@pytest.mark.parametrize("makefile", MAKEFILES, ids=lambda path: path.parent.name)
def test_wheels_need_no_newer_c_library_than_the_runtime_has(makefile: Path) -> None:
    tags = re.findall(r"manylinux_(\d+)_(\d+)_x86_64", makefile.read_text())
    assert tags, "say which wheels to take"
    assert [tag for tag in tags if (int(tag[0]), int(tag[1])) > GLIBC[RUNTIME]] == []


def test_the_architecture_of_functions_is_that_of_the_wheels() -> None:
    assert template()["Globals"]["Function"]["Architectures"] == ["x86_64"]
    platforms = {
        found for path in MAKEFILES for found in re.findall(r"--platform \S+?_(x86_64|aarch64)", path.read_text())
    }
    assert platforms == {"x86_64"}
