"""The inspector's settings: checked as a whole before they are used, and changed while it runs.

On a device they are the component's configuration, read over Greengrass IPC: what stands in the recipe's lifecycle
instead would make the nucleus install the component anew with each change. The simulated device writes them to a file.
"""

import json
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

VERSION = re.compile(r"\d{1,9}\.\d{1,9}\.\d{1,9}")
CAMERA = re.compile(r"camera:([0-9]{1,3})")
LONGEST = 1000  # characters of a source
IGNORED = ("accessControl",)  # for the nucleus


class InvalidSettingsError(Exception):
    """Settings that can't be used; the message is one line that names the key, its value and what is expected."""


def _setting(key: str, default: Any, expected: str, fits: Callable[[Any], bool]) -> Any:
    return field(default=default, metadata={"key": key, "expected": expected, "fits": fits})


def _version(value: Any) -> bool:
    return value == "" or (isinstance(value, str) and VERSION.fullmatch(value) is not None)


def _url(value: Any) -> bool:
    return value == "ipc:" or (isinstance(value, str) and _address(value, "mqtts"))


def _address(value: str, *schemes: str) -> bool:
    """Whether this is an address with one of these schemes (none: any), a host and a port that can be."""
    try:
        parts = urlsplit(value)
        host = (parts.hostname or "").encode("idna")  # as a connection would do it, in a thread that this must not end
        fits = value.isprintable() and (parts.port is None or parts.port > 0)
    except ValueError:  # brackets without an end, a port that is no number, a host with empty or too long parts
        return False
    return fits and (bool(host) and parts.scheme in schemes if schemes else True)


def _source(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > LONGEST:
        return False
    if value.startswith("camera:"):
        return CAMERA.fullmatch(value) is not None
    if "://" in value:
        return _address(value)
    # A path from the root, because nobody knows the inspector's working directory; one that a file system can take.
    return value.startswith("/") and "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _bucket(value: Any) -> bool:
    return value == "" or (
        isinstance(value, str) and re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", value) is not None
    )


def _between(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _number(key: str, default: float, low: float, high: float) -> Any:
    return _setting(key, default, f"a number of {low:g}..{high:g}", _between(low, high))


@dataclass(frozen=True)
class Settings:
    """What can be set, by its key in the component's configuration."""

    model_version: str = _setting("modelVersion", "", "a version like 1.0.3, or empty for none", _version)
    shadow_version: str = _setting("shadowVersion", "", "a version like 1.0.3, or empty for none", _version)
    source: str = _setting(
        "source",
        "/var/lib/sightline/images",
        "the absolute path of a folder or a video file, camera:<number> or rtsp://host/path",
        _source,
    )
    delete_inspected: bool = _setting("deleteInspected", False, "true or false", lambda value: isinstance(value, bool))
    video: bool = _setting("video", False, "true or false", lambda value: isinstance(value, bool))  # installs OpenCV
    frames_per_second: float = _number("framesPerSecond", 1.0, 0.001, 1000)
    mqtt_url: str = _setting("mqttUrl", "ipc:", "ipc: or mqtts://host:port", _url)
    images_bucket: str = _setting("imagesBucket", "", "a bucket's name, or empty to send no images", _bucket)
    sample_rate: float = _number("sampleRate", 0.01, 0, 1)
    uploads_per_hour: float = _number("uploadsPerHour", 60, 0, 1_000_000)
    uploads_per_day: float = _number("uploadsPerDay", 500, 0, 1_000_000)
    telemetry_seconds: float = _number("telemetrySeconds", 300, 0.1, 86_400)
    queue_megabytes: float = _number("queueMegabytes", 512, 1, 1_000_000)


KEYS = {setting.metadata["key"]: setting for setting in fields(Settings)}


def parse(values: Any) -> Settings:
    """Check everything, then answer. Raises InvalidSettingsError for the first thing that is wrong."""
    if isinstance(values, str):
        raise InvalidSettingsError(values)  # why there are none
    if not isinstance(values, dict):
        raise InvalidSettingsError(f"the settings must be a JSON object, got {values!r:.80}")
    unknown = sorted(set(values) - set(KEYS) - set(IGNORED))
    if unknown:
        raise InvalidSettingsError(f"unknown setting {unknown[0]!r:.80}; there are: {', '.join(sorted(KEYS))}")
    given: dict[str, Any] = {}
    for key, value in values.items():
        if key in IGNORED:
            continue
        setting = KEYS[key]
        if not setting.metadata["fits"](value):
            raise InvalidSettingsError(
                f"setting {key!r} must be {setting.metadata['expected']}, got {shown(repr(value)):.80}"
            )
        given[setting.name] = value
    if given.get("shadow_version") and given["shadow_version"] == given.get("model_version"):
        raise InvalidSettingsError(
            f"setting 'shadowVersion' is the model in service itself, {values['shadowVersion']!r}"
        )
    return Settings(**given)


def shown(text: str) -> str:
    """Addresses as a message may quote them: without the password that may stand in them."""
    return re.sub(r"(?<=://)[^/?#]*@", "…@", text)


def defaults() -> dict[str, Any]:
    """Every key with its default, for the recipe."""
    assert all(setting.default is not MISSING for setting in KEYS.values())
    return {key: setting.default for key, setting in KEYS.items()}


class SettingsSource(Protocol):
    """The one port to the configuration."""

    def changed(self) -> Any | None:
        """The values, when they are new since the last call; None when they are not."""

    def close(self) -> None:
        """Stop listening."""


class FileSettings:
    """A JSON file that is replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: object = None

    def changed(self) -> Any | None:
        values: Any = None
        try:
            stat = self._path.stat()
            seen: object = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if seen != self._seen:
                values = json.loads(self._path.read_bytes())
        except OSError as error:
            seen = values = f"{self._path.name} can't be read: {error}"
        except (ValueError, RecursionError) as error:  # no JSON, or too many brackets in each other
            values = f"{self._path.name} can't be read: {error}"
        if seen == self._seen:
            return None
        self._seen = seen
        return values

    def close(self) -> None:
        pass
