"""A job's checkpoint folder and its copy in S3, from which an interrupted job goes on."""

import shutil
from contextlib import suppress
from pathlib import Path

from local.emulator.sagemaker.transfer import Transfer, split_uri


class Checkpoints:
    """A job's checkpoint folder and its copy in S3, which is there before the job starts and follows the folder."""

    def __init__(self, transfer: Transfer, folder: Path, uri: str, key_id: str | None) -> None:
        self._transfer, self._folder, self._key_id = transfer, folder, key_id
        self._bucket, self._prefix = split_uri(uri.rstrip("/") + "/")
        transfer.download(f"s3://{self._bucket}/{self._prefix}", "S3Prefix", folder, may_be_empty=True)
        self._known = self._versions()

    def _versions(self) -> dict[Path, tuple[int, int]]:
        found = {}
        for path in sorted(self._folder.rglob("*")):
            with suppress(FileNotFoundError):  # a file with which another was replaced
                if path.is_file():
                    found[path] = (path.stat().st_mtime_ns, path.stat().st_size)
        return found

    def sync(self) -> bool:
        """Copy what is new or changed. Return whether that held a whole checkpoint, not only one being written."""
        copied = []
        for path, version in self._versions().items():
            if self._known.get(path) == version:
                continue
            with suppress(FileNotFoundError):  # replaced meanwhile: the next look finds what came instead
                # Read in one go: an upload in parts would put two checkpoints into one object when it is replaced.
                still = shutil.copyfile(path, self._folder.with_name("checkpoint.upload"))
                key = self._prefix + path.relative_to(self._folder).as_posix()
                self._transfer.upload([(still, key)], self._bucket, self._key_id)
                self._known[path] = version
                copied.append(path.name)
        return any(not name.endswith(".partial") for name in copied)
