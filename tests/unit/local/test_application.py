"""What is built is known by its sources, and what is deployed of it is packed once."""

import json
import zipfile
from pathlib import Path

import pytest
import yaml

from local import application


def test_a_digest_changes_with_names_and_contents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "PROJECT", tmp_path)
    (tmp_path / "a").write_text("x")
    (tmp_path / "__pycache__").mkdir()
    first = application.digest_of([tmp_path])
    (tmp_path / "__pycache__" / "a.pyc").write_text("y")
    assert application.digest_of([tmp_path]) == first
    (tmp_path / "a").rename(tmp_path / "b")
    second = application.digest_of([tmp_path])
    (tmp_path / "b").write_text("z")
    assert len({first, second, application.digest_of([tmp_path])}) == 3


def test_what_is_deployed_names_archives_of_its_layers(tmp_path: Path) -> None:
    (tmp_path / "Tools" / "python").mkdir(parents=True)
    (tmp_path / "Tools" / "python" / "tool.py").write_text("x = 1\n")
    layer = {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": "Tools"}}
    function = {
        "Type": "AWS::Serverless::Function",
        "Properties": {"CodeUri": "Step", "Role": {"Fn::GetAtt": ["A", "Arn"]}},
    }
    (tmp_path / "template.yaml").write_text(yaml.safe_dump({"Resources": {"Tools": layer, "Step": function}}))
    application._pack(tmp_path)
    packed = json.loads((tmp_path / application.PACKED).read_text())["Resources"]
    assert packed["Step"] == function
    with zipfile.ZipFile(tmp_path / packed["Tools"]["Properties"]["ContentUri"]) as archive:
        assert archive.read("python/tool.py") == b"x = 1\n"
