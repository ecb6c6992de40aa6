"""What a scoring said of each image, fetched from the artifacts bucket."""

from pathlib import Path

from client.target import Target
from sightline.aws.objects import ObjectStore
from sightline.errors import SightlineError

LINES, SUMMARY = "predictions.jsonl", "summary.json"


class FolderError(SightlineError):
    """A folder that predictions can't be written to."""


def check_folder(folder: Path) -> None:
    """Raise FolderError, before anything is scored, where the folder holds something already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderError(f"{folder} is not empty; give a new folder")


def fetch(target: Target, predictions_uri: str, folder: Path) -> Path:
    """Write the predictions of a scoring as one file with a line for each image, and its summary. Return the file."""
    store = ObjectStore(target.aws, target.outputs["ArtifactsBucketName"])
    prefix = store.key(predictions_uri)
    folder.mkdir(parents=True, exist_ok=True)
    parts = sorted(key for key in store.keys(f"{prefix}part-") if key.endswith(".jsonl"))
    with (folder / LINES).open("wb") as file:
        for part in parts:
            body = store.read(part)
            file.write(body if body.endswith(b"\n") or not body else body + b"\n")
    (folder / SUMMARY).write_bytes(store.read(prefix + SUMMARY))
    return folder / LINES
