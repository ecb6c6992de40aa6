"""Lambda layers, unpacked once for all workers.

The emulator unpacks a function's layers anew for every worker that it starts: thousands of files, and seconds each
time. Here a layer is unpacked once by its content, and workers get links; Python's compiled files stay there too.
"""

import hashlib
import shutil
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_lock = threading.Lock()


def share(cache: Path) -> None:
    """Let every layer be unpacked below `cache`, once."""
    from ministack.core import lambda_runtime

    class LayerFile(zipfile.ZipFile):
        def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
            target = Path(path)
            if not target.name.startswith("layer_"):
                super().extractall(path, members, pwd)
                return
            assert self.filename is not None  # the emulator opens the file by its name
            with Path(self.filename).open("rb") as file:
                place = cache / hashlib.file_digest(file, "sha256").hexdigest()
            with _lock:
                if not place.is_dir():
                    half = place.with_suffix(".part")
                    try:
                        super().extractall(half, members, pwd)
                    except BaseException:
                        shutil.rmtree(half, ignore_errors=True)  # a full disk is to have room again
                        raise
                    half.rename(place)
            for entry in place.iterdir():
                (target / entry.name).symlink_to(entry)

    # The emulator catches an error by a name that `zipfile` does not have.
    names = {**vars(zipfile), "ZipFile": LayerFile, "LargeFileError": zipfile.LargeZipFile}
    lambda_runtime.zipfile = SimpleNamespace(**names)
