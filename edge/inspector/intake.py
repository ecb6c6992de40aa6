"""Which source the images come from: the one that the settings name, opened, and let go of for another one."""

import os
from pathlib import Path

from .folder import FolderSource
from .outbox import Outbox
from .settings import InvalidSettingsError, Settings
from .source import NoSource, Source

VIDEO_SUFFIXES = (".mp4", ".avi", ".mkv", ".mov", ".mpg", ".webm")
SOURCE_SETTINGS = ("source", "delete_inspected", "frames_per_second")  # with another one the source is opened anew


def open_source(settings: Settings, outbox: Outbox) -> Source:
    """Return the source that the settings name: a folder, else what OpenCV opens. Raise InvalidSettingsError."""
    path = Path(settings.source)
    address = "://" in settings.source or settings.source.startswith("camera:")
    is_file = os.path.isfile(path)  # noqa: PTH113  Path's own raises for names that are too long
    if not address and not is_file and path.suffix.lower() not in VIDEO_SUFFIXES:
        return FolderSource(path, outbox, delete=settings.delete_inspected)
    from .video import open_video  # OpenCV is installed only where a video source is configured

    return open_video(settings, outbox)


class Intake:
    """The source in use."""

    def __init__(self, outbox: Outbox) -> None:
        self.source: Source = NoSource()
        self._outbox = outbox
        self._settings: Settings | None = None

    def opened(self, settings: Settings, *, without_source: bool) -> Source:
        """Return the source of these settings, which is the one in use if it need not be opened anew.

        `without_source` lets it be missing: then it gives no images, with what is wrong as its trouble. Else raise
        InvalidSettingsError.
        """
        if self._settings and not isinstance(self.source, NoSource) and _same_source(self._settings, settings):
            return self.source
        try:
            return open_source(settings, self._outbox)
        except InvalidSettingsError as error:
            if not without_source:
                raise
            return NoSource(str(error))

    def use(self, source: Source, settings: Settings) -> None:
        """Take images from this source from now on, and let go of the one before."""
        before, self.source, self._settings = self.source, source, settings
        if source is not before:
            before.close()

    def discard(self, source: Source) -> None:
        """Let go of a source that was opened and is not to be used."""
        if source is not self.source:
            source.close()


def _same_source(first: Settings, second: Settings) -> bool:
    return all(getattr(first, name) == getattr(second, name) for name in SOURCE_SETTINGS)
