"""What the training image is built from, as one archive: the digest's files and no others, so that a digest is an
image.
"""

import io
import zipfile
from pathlib import Path

from training.code_digest import requirements, sources

# Where a package lies in the repository, as the Dockerfile copies it.
FOLDERS = {"reporting": "", "sightline": "layers/sightline/", "training": ""}
BEGINNING = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold


def archive() -> bytes:
    """Return a zip file with the layout of the repository; the same files always give the same bytes."""
    files = {f"training/{name}": file for name, file in requirements().items()}
    files |= {_place(name, file): file for name, file in sources().items()}
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, BEGINNING)
            entry.external_attr = 0o644 << 16
            target.writestr(entry, files[name].read_bytes(), zipfile.ZIP_DEFLATED)
    return written.getvalue()


def _place(module: str, file: Path) -> str:
    """Return where the file of a module lies in the repository."""
    parts = module.split(".")
    place = "/".join(parts) + ("/__init__.py" if file.name == "__init__.py" else ".py")
    return FOLDERS[parts[0]] + place
