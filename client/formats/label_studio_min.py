"""Label Studio's JSON-MIN: an object for each annotation, with the task's data and what was drawn side by side.

A task that nobody has annotated is there too: its `annotation_id` is null. Results have no type; what they hold tells
it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

from client.formats.files import IMAGE_ENDING

OWN = ("width", "height", "image_id", "group_id", "job", "labeled_at")  # what Sightline writes into a task's data
WRITTEN = (
    "id",
    "annotator",
    "annotation_id",
    "created_at",
    "updated_at",
    "lead_time",
    "agreement",
)  # by the tool
SIZES = ("original_width", "original_height")
KINDS = {"choices": "choices", "text": "textarea", "rating": "rating", "number": "number", "taxonomy": "taxonomy"}


@dataclass
class Task:
    """A task as the full JSON has it. `beside` is what else its records say, which may be a person's answer."""

    data: Mapping[str, object]
    annotations: list[Mapping[str, object]] = field(default_factory=list)
    beside: dict[str, None] = field(default_factory=dict)

    @property
    def full(self) -> Mapping[str, object]:
        return {"data": self.data, "annotations": self.annotations}

    @property
    def doubt(self) -> str:
        """Why its image may have a defect though it has no box."""
        said = ", ".join(f"{name!r:.40}" for name in self.beside)
        return f"no box, but {said}, which may be what a person said" if said else ""


def is_record(value: object) -> bool:
    """Say whether a value is a record of JSON-MIN."""
    return isinstance(value, dict) and "data" not in value and ("annotation_id" in value or bool(_images(value)))


def tasks(records: Iterable[Mapping[str, object]]) -> list[Task]:
    """Return the tasks. The annotations of one have its id and its image in common."""
    found: dict[str, Task] = {}
    for number, record in enumerate(records):
        drawn = {name: value for name, value in record.items() if _is_drawn(value)}
        data = {name: value for name, value in record.items() if name not in drawn}
        task_id = record.get("id")
        key = f"{task_id} {_images(data)}" if isinstance(task_id, int | str) else f"without id: {number}"
        task = found.setdefault(key, Task(data))
        task.beside |= dict.fromkeys(name for name in data if name not in (*OWN, *WRITTEN, *_images(data)))
        if drawn or record.get("annotation_id") is not None:
            results = [_result(value) for values in drawn.values() for value in values]
            task.annotations.append({"result": results})
    return list(found.values())


def _images(record: Mapping[str, object]) -> dict[str, str]:
    """Return the fields that name an image."""
    return {name: value for name, value in record.items() if isinstance(value, str) and _names_image(value)}


def _names_image(value: str) -> bool:
    return bool(IMAGE_ENDING.search(value.partition("?")[0]) or IMAGE_ENDING.search(value))


def _is_drawn(value: object) -> TypeGuard[list[dict[str, object]]]:
    return isinstance(value, list) and bool(value) and all(isinstance(entry, dict) for entry in value)


def _result(value: Mapping[str, object]) -> Mapping[str, object]:
    """Return a result as the full JSON has it."""
    inner = {name: found for name, found in value.items() if name not in SIZES}
    return {"type": _kind(inner), "value": inner, **{name: value[name] for name in SIZES if name in value}}


def _kind(value: Mapping[str, object]) -> str:
    """Return the type of a result: what its labels are called, else what it holds.

    One that is none of these, such as a shape whose class is somewhere else, has a type that leaves its image out.
    """
    named = [name for name in value if name.endswith("labels") and name != "labels"]
    others = [kind for name, kind in KINDS.items() if name in value]
    return next(iter([*named, *others]), "unknown")
