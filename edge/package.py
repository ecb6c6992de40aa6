"""Packing the components: the same sources always give the same zip.

As a program it builds for the Greengrass Development Kit, whose files lie in `components/inspector/` and `…/model/`:
`gdk component build` runs `python3 ../../package.py <name>` there. The model's release folder is $SIGHTLINE_RELEASE.
The files are those of a stack named `sightline`. Components carry their stack's name, so replace `.sightline.` and
`/sightline/` in the files of another one.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import zipfile
from pathlib import Path

EDGE = Path(__file__).resolve().parent
SIGHTLINE = EDGE.parent / "layers" / "sightline" / "sightline"
SHARED = ("__init__.py", "errors.py", "vision")  # of the package sightline


def _files() -> dict[str, bytes]:
    """Every file of the component by its name in the zip."""
    files = {f"inspector/{path.name}": path.read_bytes() for path in sorted((EDGE / "inspector").glob("*.py"))}
    files |= {path.name: path.read_bytes() for path in sorted(EDGE.glob("requirements*.txt"))}
    for name in SHARED:
        source = SIGHTLINE / name
        for path in sorted(source.rglob("*.py")) if source.is_dir() else [source]:
            files[f"sightline/{path.relative_to(SIGHTLINE).as_posix()}"] = path.read_bytes()
    return files


def inspector_zip() -> bytes:
    """The artifact `inspector.zip`."""
    return _zip(_files(), zipfile.ZIP_DEFLATED)


def _zip(files: dict[str, bytes], compression: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, body in sorted(files.items()):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = compression
            archive.writestr(entry, body)
    return buffer.getvalue()


def build(component: str, folder: Path, release: str | None) -> Path:
    """Build for the Development Kit below `folder`, a component's; answers the artifact. Exits with a line on bad
    input.
    """
    name = f"{component.rsplit('.', 1)[-1].lower()}.zip"
    recipe = (folder / "recipe.json").read_text()
    if name == "inspector.zip":
        body = inspector_zip()
    elif release and (Path(release) / "model.json").is_file():
        root = Path(release)
        files = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        body = _zip(files, zipfile.ZIP_STORED)
    else:
        sys.exit(f"SIGHTLINE_RELEASE must name a release folder with model.json in it, got {release!r}")
    artifact = folder / "greengrass-build" / "artifacts" / component / "NEXT_PATCH" / name
    recipes = folder / "greengrass-build" / "recipes"
    for made in (artifact.parent, recipes):
        made.mkdir(parents=True, exist_ok=True)
    artifact.write_bytes(body)
    (recipes / "recipe.json").write_text(recipe.replace("ARTIFACT_SHA256", hashlib.sha256(body).hexdigest()))
    return artifact


if __name__ == "__main__":
    print(build(sys.argv[1], Path.cwd(), os.environ.get("SIGHTLINE_RELEASE")))
