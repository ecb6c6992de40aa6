"""The files in which YOLO text names its classes and lists its images: YAML, or a name on each line."""

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from client.formats import checks, files
from client.formats.checks import BadLabelError, InvalidLabelsError, check

MAX_YAML_BYTES = 1024 * 1024  # of names of classes
TEXTS = ("classes.txt", "predefined_classes.txt", "obj.names", "_darknet.labels")
MERGE = "tag:yaml.org,2002:merge"
ABOVE = 2  # folders above the given one that are looked into


@dataclass(frozen=True)
class Classes:
    """The names of classes by their numbers, which may have gaps, and the file that they are from.

    `keypoints` are how many points a box has, and how many numbers each: (0, 0) for none, None where the file says
    nothing.
    """

    file: str
    names: dict[int, str]
    keypoints: tuple[int, int] | None = None

    def name(self, number: int) -> str:
        check(number in self.names, f"class {number} has no name in {self.file}")
        return self.names[number]


@dataclass
class NameFiles:
    """The classes of each label file: from the nearest folder that names them, up to some above the given one."""

    root: Path
    known: dict[Path, Classes | None] = field(default_factory=dict)

    def of(self, folder: Path) -> Classes:
        """Return the classes for the labels of a folder. Raise InvalidLabelsError."""
        chain = [folder, *folder.parents]
        inside = chain[: chain.index(self.root) + 1 + ABOVE]
        for place in inside:
            if classes := self._in(place):
                for above in inside[inside.index(place) + 1 : chain.index(self.root) + 1]:
                    _check_same(classes, self._in(above), place, above)
                return classes
        raise InvalidLabelsError(f"{self.root} names no classes; put data.yaml or classes.txt beside the labels")

    def _in(self, place: Path) -> Classes | None:
        if place not in self.known:
            self.known[place] = _read(place)
        return self.known[place]


def is_names(file: Path, lines: Iterable[str]) -> bool:
    """Say whether a text names classes, and is not the label of an image that happens to be called so."""
    given = [line.split() for line in lines if line.strip()]
    return file.name.lower() in TEXTS and not (given and all(len(words) > 4 for words in given))


def _check_same(found: Classes, other: Classes | None, place: Path, above: Path) -> None:
    """Raise InvalidLabelsError where a number has two names: nobody can know which of them the labels mean."""
    for number, name in found.names.items():
        if other and other.names.get(number, name) != name:
            raise InvalidLabelsError(
                f"class {number} is {name} in {place / found.file} and {other.names[number]} in "
                f"{above / other.file}; keep the file that is right"
            )


def _read(place: Path) -> Classes | None:
    """Return what the files of one folder say; None where it names no classes. Raise InvalidLabelsError."""
    found: list[Classes] = []
    texts = [place / name for name in TEXTS] + sorted(place.glob("*.names"))
    for file in [*sorted(place.glob("*.y*ml")), *dict.fromkeys(texts)]:
        if not file.is_file() or file.name.startswith("."):
            continue
        try:
            classes = _from_yaml(file) if file.suffix in (".yaml", ".yml") else _from_text(file)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise InvalidLabelsError(f"{file} does not name the classes: {checks.why(error)}") from error
        if classes:
            found.append(classes)
    for other in found[1:]:
        _check_same(found[0], other, place, place)
    return found[0] if found else None


def _from_text(file: Path) -> Classes | None:
    lines = files.read_text(file).splitlines()
    label = file.suffix == ".txt" and not is_names(file, lines)
    return None if label else Classes(file.name, _names(enumerate(lines)))


def _from_yaml(file: Path) -> Classes | None:
    """Return the names of a file; None where it has another purpose. Raise BadLabelError or yaml.YAMLError."""
    check(file.stat().st_size <= MAX_YAML_BYTES, f"larger than {MAX_YAML_BYTES >> 20} MiB")
    described = _loaded(files.read_text(file))
    if file.stem != "data" and not (isinstance(described, dict) and "names" in described):
        return None
    names = described.get("names") if isinstance(described, dict) else None
    if isinstance(names, dict):
        given: Iterable[tuple[object, object]] = names.items()
    elif isinstance(names, list):
        given = enumerate(names)
    else:
        raise BadLabelError(f"`names` must be a list, or numbers with names, and is {checks.brief(names)}")
    shape = described.get("kpt_shape") if isinstance(described, dict) else None
    return Classes(file.name, _names(given), _keypoints(shape))


def _keypoints(shape: object) -> tuple[int, int] | None:
    if shape in (None, ""):
        return None
    values = [checks.whole(value, "a number of `kpt_shape`") for value in checks.entries(shape)]
    if not values:
        return 0, 0
    check(len(values) == 2 and values[0] > 0 and values[1] in (2, 3), "`kpt_shape` must be [points, 2 or 3]")
    return values[0], values[1]


class _Loader(yaml.SafeLoader):
    """YAML whose values are all texts, as they are written: `no` is a class, not false.

    An alias is the value that it names, not a copy of it, so that many cost nothing. Merges would copy: with them, a
    few lines can stand for billions of values.
    """

    yaml_implicit_resolvers = {}  # noqa: RUF012 — PyYAML's own way to say what plain values stand for

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        for key, _ in node.value:
            if key.tag == MERGE or key.value == "<<":
                problem = "a merge (<<); write the values themselves there"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for key, uses in keys.items():
            if uses > 1:
                raise yaml.MarkedYAMLError(problem=f"{key!r:.40} stands there twice", problem_mark=node.start_mark)
        return dict(super().construct_mapping(node, deep))


def _loaded(content: str) -> object:
    try:
        return _Loader(content).get_single_data()
    except yaml.MarkedYAMLError as error:  # its own text is of five lines
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadLabelError(f"line {line}: {error.problem}") from error


def _names(given: Iterable[tuple[object, object]]) -> dict[int, str]:
    """Return the names by number; a number with an empty one has none. Raise BadLabelError."""
    names: dict[int, str] = {}
    for key, value in given:
        name = value.strip() if isinstance(value, str) else value
        if name is None or name == "":
            continue
        class_id = checks.whole(key, "the number of a class")
        check(class_id not in names, f"class {class_id} has two names")
        names[class_id] = checks.class_name(name, f"the name of class {class_id}")
    return names
