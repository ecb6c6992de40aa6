"""The whole loop, as `sightline demo` runs it: on real photos where they are at hand, else on drawn ones."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from client.annotate import read_coco
from tests.project import ROOT

TAGS = ROOT.parent / "shared" / "data" / "tags"
REPORTED = {
    "images_uploaded", "images_quarantined", "labels_approved", "labels_rejected", "dataset_version", "training_job",
    "map50",
    "map50_95", "accepted", "reasons", "model_package_arn", "deployment_status", "device", "inspected", "stages",
    "executions", "correlation_ids", "images_of_id", "trail",
}  # fmt: skip


def part_of_the_tags(folder: Path) -> list[str]:
    """Three of four photos, and the demo's arguments for them; none where the photos are not at hand."""
    if not TAGS.is_dir():
        return []
    coco = json.loads((TAGS / "labels.json").read_text())
    coco["images"] = [image for number, image in enumerate(coco["images"]) if number % 4]
    kept = {image["id"] for image in coco["images"]}
    coco["annotations"] = [entry for entry in coco["annotations"] if entry["image_id"] in kept]
    folder.mkdir()
    for image in coco["images"]:
        shutil.copyfile(TAGS / "images" / image["file_name"], folder / image["file_name"])
    (folder / "labels.json").write_text(json.dumps(coco))
    assert len(read_coco(folder / "labels.json")) == len(coco["images"])
    return ["--images", str(folder), "--labels", str(folder / "labels.json")]


def processes_below(home: Path) -> list[str]:
    """Command lines of running processes that name `home` or work in it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = str((entry / "cwd").readlink())
        except OSError:
            continue  # it has ended, or is not ours
        if str(home) in line or place.startswith(str(home)):
            found.append(line)
    return found


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_loop_closes_and_leaves_nothing_behind(tmp_path: Path) -> None:
    home, report = tmp_path / "home", tmp_path / "report"
    command = [sys.executable, "-m", "cli", "--home", str(home), "demo", "--report", str(report)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    done = subprocess.run(
        [*command, *part_of_the_tags(tmp_path / "tags")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((report / "report.json").read_text())
    assert set(result) >= REPORTED
    assert result["accepted"]
    assert result["map50"] >= 0.5
    assert result["deployment_status"] == "DeploymentHealthy"
    assert result["images_quarantined"] == 2
    assert [len(keys) for keys in result["images_merged"]] == [2]
    assert result["labels_approved"] + result["labels_rejected"] == result["images_uploaded"]
    assert len(result["device"]) == result["images_unseen"] > 0
    # One id leads from the photos over labels, training and roll-out to every verdict.
    assert len(result["correlation_ids"]) == 1
    assert result["correlation_ids"][0].startswith("window-")
    assert result["images_of_id"] >= result["labels_approved"] / 2
    assert {"label_images", "train_model", "deploy_model"} <= set(result["trail"])
    assert "http://" not in (report / "report.html").read_text()
    assert processes_below(home) == []
    assert not (home / "tmp").exists()
