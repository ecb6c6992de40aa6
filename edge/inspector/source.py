"""Where images come from: a folder into which a camera program writes them."""

from pathlib import Path

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


class FolderSource:
    """Each file once, whole ones only, oldest first. What was done is remembered on disk, so a restart repeats nothing."""

    def __init__(self, folder: Path, work: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._journal = work / "inspected.txt"
        self._done = set(self._journal.read_text().splitlines()) if self._journal.is_file() else set()
        self._sizes: dict[str, int] = {}

    def ready(self) -> list[Path]:
        """Files that are new and have not grown since the last look: still being written ones wait."""
        found = []
        for path in sorted(self._folder.iterdir(), key=lambda path: (path.stat().st_mtime_ns, path.name)):
            if path.suffix.lower() not in SUFFIXES or path.name in self._done:
                continue
            size = path.stat().st_size
            if self._sizes.get(path.name) == size:
                found.append(path)
            self._sizes[path.name] = size
        return found

    def done(self, path: Path) -> None:
        """Remember `path` as inspected: its verdict is safe in the outbox."""
        self._done.add(path.name)
        self._sizes.pop(path.name, None)
        with self._journal.open("a") as journal:
            journal.write(path.name + "\n")
