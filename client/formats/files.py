"""Files of labels: found and read within limits, and written under names that stay in their folder."""

import codecs
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from xml.etree.ElementTree import Element, ParseError  # read with defusedxml

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from client.formats.checks import BadLabelError, InvalidLabelsError, check, shown, why
from client.formats.label_set import LabeledImage, LabelSet
from client.formats.report import Report

IMAGE_ENDING = re.compile(r"\.(jpe?g|jpe|jfif|png|bmp|dib|tiff?|webp|gif|p[gpn]m)$", re.IGNORECASE)
MAX_FILE_BYTES = 512 * 1024 * 1024
MARKS = {  # byte order marks; that of UTF-32 begins like one of UTF-16
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def found(path: Path, patterns: str, title: str) -> list[Path]:
    """Return `path` itself, or the files below it that match one of the patterns (`*.json, *.jsonl`) in upper or lower
    case, without hidden ones. Raise InvalidLabelsError when there are none.
    """
    if path.is_file() and zipfile.is_zipfile(path):
        raise InvalidLabelsError(f"{path} is an archive; unpack it, and give the folder")
    endings = tuple(pattern.removeprefix("*") for pattern in patterns.split(", "))
    files = [path] if path.is_file() else sorted(entry for entry in path.rglob("*") if _is_own(entry, path, endings))
    if not files:
        problem = "holds no file" if path.is_dir() else "is no file or folder"
        raise InvalidLabelsError(f"{path} {problem} {patterns}; give the labels as {title}")
    return files


def _is_own(file: Path, folder: Path, endings: tuple[str, ...]) -> bool:
    """Say whether a file has an ending and was put there by a person, not by the system that packed the folder."""
    parts = file.relative_to(folder).parts
    strange = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return file.name.lower().endswith(endings) and not strange and file.is_file()


def read_bytes(path: Path) -> bytes:
    """Return the content of a file within the limits. Raise BadLabelError, for formats with a file for each image."""
    try:
        check(path.stat().st_size <= MAX_FILE_BYTES, f"larger than {MAX_FILE_BYTES >> 20} MiB; give it in parts")
        return path.read_bytes()
    except OSError as error:
        raise BadLabelError((error.strerror or "not readable").lower()) from error


def decode(content: bytes) -> str:
    """Return text that is in UTF-8, or in what its byte order mark says. Raise BadLabelError."""
    encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadLabelError("not UTF-8 text; save it as UTF-8") from error


def read_text(path: Path) -> str:
    """Return the text of a file that holds many labels. Raise InvalidLabelsError."""
    try:
        return decode(read_bytes(path))
    except BadLabelError as error:
        raise InvalidLabelsError(f"{path}: {error}") from error


def read_json(path: Path, title: str) -> object:
    """Return the JSON value of a file that should be in the format of this title. Raise InvalidLabelsError."""
    try:
        value: object = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise InvalidLabelsError(f"{path} is not {title} ({why(error)})") from error
    return value


def read_xml(path: Path, title: str, report: Report, *, alone: bool) -> Element | None:
    """Return the outermost element of an XML file that should be in the format of this title, all without name spaces.

    A file among others that is no XML is refused, and None returned. Raise InvalidLabelsError for one `alone`.
    """
    try:
        root: Element = fromstring(read_bytes(path), forbid_dtd=True)  # of bytes: XML says its encoding itself
    except (ParseError, DefusedXmlException, LookupError, ValueError, RecursionError) as error:
        if alone:
            raise InvalidLabelsError(f"{path} is not {title} ({why(error)})") from error
        # Without line and column, so that files with the same problem are one line.
        problem = str(error) if isinstance(error, BadLabelError) else type(error).__name__
        report.refuse(f"not {title}: {problem}", shown(path.name))
        return None
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rsplit("}", 1)[-1]
    return root


def write_text(path: Path, content: str) -> Path:
    """Write a file and the folders that it lies in. Return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def file_name(labeled: LabeledImage, report: Report) -> str:
    """Return the name that a file on disk may have for an image. Another one than the image's own is reported.

    A name that leads elsewhere (`../`, an absolute path) becomes one name that shows what it was.
    """
    parts = [part for part in re.split(r"[/\\]+", labeled.name) if part not in ("", ".")]
    clean = [re.sub(r'[\x00-\x1f\x7f<>:"|?*]', "_", part) for part in parts]
    if ".." in clean or not clean or labeled.name.startswith(("/", "\\")):
        name = "_".join(part.replace("..", "_") for part in clean) or labeled.image_id or "unnamed"
    else:
        name = "/".join(clean)
    if name != labeled.name:
        report.lose("the name of an image, which can't be that of a file", f"{shown(labeled.name)} became {name}")
    return name


def address(value: str) -> SplitResult:
    """Return the parts of an address; a text that is none is all path."""
    try:
        return urlsplit(value)
    except ValueError:
        return SplitResult("", "", value, "", "")


def stem(name: str) -> str:
    """Return a name without its extension as an image, folders included."""
    return IMAGE_ENDING.sub("", name)


def write_each(
    splits: dict[str, LabelSet], folder: Path, ending: str, content_of: Callable[[LabelSet], str]
) -> list[Path]:
    """Write one file for each split, `<split><ending>`. Return the files."""
    return [write_text(folder / f"{split}{ending}", content_of(labels)) for split, labels in splits.items()]


def for_each_image(
    labels: LabelSet, folder: Path, ending: str, title: str, taken: set[Path], report: Report
) -> Iterator[tuple[LabeledImage, str, Path]]:
    """Give each image with its name on disk and the file for its label, for formats with a file for each image.

    `taken` are the files of other images, and gets these. An image whose file is taken is refused.
    """
    for labeled in labels.images:
        name = file_name(labeled, report)
        path = folder / f"{stem(name)}{ending}"
        if path in taken:
            report.refuse(f"{title} has one file for all images of this name, and another one has it", labeled.name)
        else:
            taken.add(path)
            yield labeled, name, path
