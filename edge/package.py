"""Packing the inspector component: its code and the one inference code, as a zip that is the same for the same sources."""

import hashlib
import io
import zipfile
from pathlib import Path

EDGE = Path(__file__).resolve().parent
SIGHTLINE = EDGE.parent / "layers" / "sightline" / "sightline"
SHARED = ("__init__.py", "errors.py", "vision")  # of the package sightline
RELEASE = "1.0"  # the inspector's own version; the third number comes from its content


def _files() -> dict[str, bytes]:
    """Every file of the component by its name in the zip."""
    files = {f"inspector/{path.name}": path.read_bytes() for path in sorted((EDGE / "inspector").glob("*.py"))}
    files |= {path.name: path.read_bytes() for path in sorted(EDGE.glob("requirements*.txt"))}
    for name in SHARED:
        source = SIGHTLINE / name
        for path in sorted(source.glob("*.py")) if source.is_dir() else [source]:
            files[f"sightline/{path.relative_to(SIGHTLINE).as_posix()}"] = path.read_bytes()
    return files


def inspector_zip() -> bytes:
    """The artifact `inspector.zip`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in sorted(_files().items()):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, body)
    return buffer.getvalue()


def inspector_version() -> str:
    """A version that changes with the content and the recipe: Greengrass never lets one version have two contents."""
    parts = {**_files(), "recipe": (SIGHTLINE / "components.py").read_bytes()}
    digest = hashlib.sha256(b"".join(name.encode() + body for name, body in sorted(parts.items()))).hexdigest()
    return f"{RELEASE}.{int(digest[:7], 16)}"
