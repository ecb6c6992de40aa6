"""What of a folder is uploaded: all files of it and of the folders in it, but for those that are surely no photos."""

import os
from dataclasses import dataclass
from pathlib import Path

from client.formats.checks import shown
from client.formats.report import Report

TEXTS = (".json", ".jsonl", ".txt", ".md", ".xml", ".yaml", ".yml", ".csv", ".html", ".manifest", ".names", ".data")


@dataclass(frozen=True, slots=True)
class Upload:
    """Files of a folder. Each is called after its path in there."""

    folder: Path
    files: list[Path]
    left_out: Report

    def name(self, file: Path) -> str:
        return file.relative_to(self.folder).as_posix()

    @property
    def names(self) -> list[str]:
        return [self.name(file) for file in self.files]


def look(folder: Path) -> Upload:
    """Return what of a folder is uploaded, and what is left out and why."""
    found = Upload(folder, [], Report())
    for place, folders, files in os.walk(folder):
        here = Path(place)
        for name in sorted(folders):
            if reason := _no_folder(here / name):
                found.left_out.refuse(reason, shown(found.name(here / name) + "/"))
                folders.remove(name)
        folders.sort()
        for name in sorted(files):
            if reason := _no_photo(here / name):
                found.left_out.refuse(reason, shown(found.name(here / name)))
            else:
                found.files.append(here / name)
    return found


def _no_folder(path: Path) -> str:
    if path.name.startswith(".") or path.name == "__MACOSX":
        return "hidden folders"
    return "links to folders" if path.is_symlink() else ""


def _no_photo(path: Path) -> str:
    """Return why a file is none to upload; nothing where it may be a photo."""
    if path.name.startswith("."):
        return "hidden files"
    if path.suffix.lower() in TEXTS:
        return "labels and texts"
    if not path.is_file():
        return "no files"
    return "" if path.stat().st_size else "empty files"
