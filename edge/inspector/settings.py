"""The inspector's settings: checked as a whole before they are used, and changed while it runs.

On a device they are the component's configuration, read over Greengrass IPC: what stands in the recipe's lifecycle
instead would make the nucleus install the component anew with each change. The simulated device writes them to a file.
"""

import json
import re
from collections.abc import Callable
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

VERSION = re.compile(r"\d{1,9}\.\d{1,9}\.\d{1,9}")
CAMERA = re.compile(r"camera:([0-9]{1,3})")
LONGEST = 1000  # characters of a source
IGNORED = ("accessControl",)  # for the nucleus


class InvalidSettingsError(Exception):
    """Settings that can't be used; the message is one line that names the key, its value and what is expected."""


@dataclass(frozen=True)
class Rule:
    """What one setting is: its key in the component's configuration, what it may be, and what it does."""

    key: str
    expected: str
    meaning: str
    fits: Callable[[object], bool]


@dataclass(frozen=True)
class Entry:
    """One setting as the documentation lists it; `default` is JSON."""

    key: str
    default: str
    expected: str
    meaning: str


def _version(value: object) -> bool:
    return value == "" or (isinstance(value, str) and VERSION.fullmatch(value) is not None)


def _url(value: object) -> bool:
    return value == "ipc:" or (isinstance(value, str) and _address(value, "mqtts"))


def _address(value: str, *schemes: str) -> bool:
    """Return whether this is an address with one of these schemes (none: any), a host and a port that can be."""
    try:
        parts = urlsplit(value)
        host = (parts.hostname or "").encode("idna")  # as a connection would do it, in a thread that this must not end
        fits = value.isprintable() and (parts.port is None or parts.port > 0)
    except ValueError:  # brackets without an end, a port that is no number, a host with empty or too long parts
        return False
    return fits and (bool(host) and parts.scheme in schemes if schemes else True)


def _source(value: object) -> bool:
    if not isinstance(value, str) or len(value) > LONGEST:
        return False
    if value.startswith("camera:"):
        return CAMERA.fullmatch(value) is not None
    if "://" in value:
        return _address(value)
    # A path from the root, because nobody knows the inspector's working directory; one that a file system can take.
    return value.startswith("/") and "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _bucket(value: object) -> bool:
    return value == "" or (
        isinstance(value, str) and re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", value) is not None
    )


def _between(low: float, high: float) -> Callable[[object], bool]:
    return lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high


VERSION_RULE = "a version like 1.0.3, or empty for none"
SOURCE_RULE = "the absolute path of a folder or a video file, camera:<number> or rtsp://host/path"


def _rule(key: str, expected: str, fits: Callable[[object], bool], meaning: str) -> dict[str, Rule]:
    return {"rule": Rule(key, expected, meaning, fits)}


def _number(key: str, low: float, high: float, meaning: str) -> dict[str, Rule]:
    return _rule(key, f"a number of {low:g}..{high:g}", _between(low, high), meaning)


def _flag(key: str, meaning: str) -> dict[str, Rule]:
    return _rule(key, "true or false", lambda value: isinstance(value, bool), meaning)


@dataclass(frozen=True)
class Settings:
    """What can be set. Each field has the rule of its key in the component's configuration."""

    model_version: str = field(
        default="",
        metadata=_rule("modelVersion", VERSION_RULE, _version, "the model that decides; deployments set it"),
    )
    shadow_version: str = field(
        default="",
        metadata=_rule(
            "shadowVersion", VERSION_RULE, _version, "a model that is only compared with it; roll-outs set it"
        ),
    )
    source: str = field(
        default="/var/lib/sightline/images",
        metadata=_rule("source", SOURCE_RULE, _source, "where images come from"),
    )
    delete_inspected: bool = field(
        default=False, metadata=_flag("deleteInspected", "delete the files of a folder when they are inspected")
    )
    video: bool = field(default=False, metadata=_flag("video", "install OpenCV, which video files and cameras need"))
    frames_per_second: float = field(
        default=1.0,
        metadata=_number("framesPerSecond", 0.001, 1000, "how many frames of a video or camera are inspected"),
    )
    mqtt_url: str = field(
        default="ipc:",
        metadata=_rule(
            "mqttUrl", "ipc: or mqtts://host:port", _url, "how messages leave: by the nucleus, or to a broker"
        ),
    )
    images_bucket: str = field(
        default="",
        metadata=_rule(
            "imagesBucket", "a bucket's name, or empty to send no images", _bucket, "where images go for labelling"
        ),
    )
    sample_rate: float = field(
        default=0.01,
        metadata=_number("sampleRate", 0, 1, "the share of images that goes back by chance; 1 is all"),
    )
    uploads_per_hour: float = field(
        default=60, metadata=_number("uploadsPerHour", 0, 1_000_000, "how many images go back in an hour, at most")
    )
    uploads_per_day: float = field(
        default=500, metadata=_number("uploadsPerDay", 0, 1_000_000, "how many images go back in a day, at most")
    )
    telemetry_seconds: float = field(
        default=300, metadata=_number("telemetrySeconds", 0.1, 86_400, "seconds between two summaries")
    )
    queue_megabytes: float = field(
        default=512,
        metadata=_number("queueMegabytes", 1, 1_000_000, "how many MB of images wait on disk for the network, at most"),
    )


def _rule_of(setting: Field[object]) -> Rule:
    rule: Rule = setting.metadata["rule"]
    return rule


KEYS = {_rule_of(setting).key: setting for setting in fields(Settings)}


def parse(values: object) -> Settings:
    """Return the settings, all checked. Raise InvalidSettingsError for the first thing that is wrong."""
    if isinstance(values, str):
        raise InvalidSettingsError(values)  # why there are none
    if not isinstance(values, dict):
        raise InvalidSettingsError(f"the settings must be a JSON object, got {values!r:.80}")
    unknown = sorted(set(values) - set(KEYS) - set(IGNORED))
    if unknown:
        raise InvalidSettingsError(f"unknown setting {unknown[0]!r:.80}; there are: {', '.join(sorted(KEYS))}")
    given: dict[str, object] = {}
    for key, value in values.items():
        if key in IGNORED:
            continue
        setting = KEYS[key]
        rule = _rule_of(setting)
        if not rule.fits(value):
            raise InvalidSettingsError(f"setting {key!r} must be {rule.expected}, got {shown(repr(value)):.80}")
        given[setting.name] = value
    if given.get("shadow_version") and given["shadow_version"] == given.get("model_version"):
        raise InvalidSettingsError(
            f"setting 'shadowVersion' is the model in service itself, {values['shadowVersion']!r}"
        )
    make: Callable[..., Settings] = Settings  # its rules have checked each value, which no type checker can follow
    return make(**given)


def shown(text: str) -> str:
    """Return addresses as a message may quote them: without the password that may stand in them."""
    return re.sub(r"(?<=://)[^/?#]*@", "…@", text)


def defaults() -> dict[str, object]:
    """Return every key with its default, for the recipe."""
    return {key: setting.default for key, setting in KEYS.items()}


def reference() -> list[Entry]:
    """Return every setting for the documentation, in the order of the record."""
    rules = [(_rule_of(setting), setting.default) for setting in KEYS.values()]
    return [Entry(rule.key, json.dumps(default), rule.expected, rule.meaning) for rule, default in rules]


class SettingsSource(Protocol):
    """The one port to the configuration."""

    def changed(self) -> object:
        """The values, when they are new since the last call; None when they are not."""

    def close(self) -> None:
        """Stop listening."""


class FileSettings:
    """A JSON file that is replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: object = None

    def changed(self) -> object:
        values: object = None
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
