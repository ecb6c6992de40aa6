"""The head of a JPEG: its segments, its size, and its scans, each of which goes over the image once more."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from sightline.vision.guard.exif import check_exif
from sightline.vision.guard.limits import check_memory, check_size, cut_off
from sightline.vision.pixels import UndecodableImageError

EOI, SOS, EXIF, PAGES, PHOTOSHOP = 0xD9, 0xDA, 0xE1, 0xE2, 0xED
SEQUENTIAL, PROGRESSIVE = (0xC0, 0xC1), 0xC2
FRAMES = (0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
ALONE = (0x00, 0x01, *range(0xD0, 0xDA))  # markers without a segment
NEXT_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # after a scan's data, in which FF is followed by 0 or a restart
MAX_SEGMENTS = 2000
MAX_JUNK = 1 << 16  # bytes that belong to no segment
MAX_VISITS = 8_400_000  # of a block of 8×8 by a scan: ten scans of 64 million pixels, as programs write them
MAX_RESOURCES = 4096  # of Photoshop, through which Pillow goes one by one
# The most blocks that a byte of Huffman's codes can say: a block takes two bits, in a progressive file one.
BLOCKS_OF_A_BYTE = {0xC0: 4, 0xC1: 4, PROGRESSIVE: 8}


@dataclass(frozen=True)
class Part:
    """One component of a frame, such as brightness."""

    name: int
    across: int  # samples, relative to those of the other parts
    down: int


@dataclass
class Head:
    """What the segments say, as far as they are read."""

    kind: int = 0
    width: int = 0
    height: int = 0
    parts: dict[int, Part] = field(default_factory=dict)
    exif: bytes = b""
    exif_blocks: int = 0
    resources: int = 0
    segments: int = 0
    junk: int = 0

    def blocks(self, part: Part) -> int:
        """How many blocks of 8×8 a component has."""
        across = max(each.across for each in self.parts.values())
        down = max(each.down for each in self.parts.values())
        return -(-self.width * part.across // (8 * across)) * -(-self.height * part.down // (8 * down))

    @property
    def all_blocks(self) -> int:
        return sum(self.blocks(part) for part in self.parts.values())


def is_bounded(body: bytes, max_pixels: int) -> bool:
    head = Head()
    scan = _to_scan(body, 2, head)
    if scan is None or not head.parts:
        raise cut_off("a JPEG without pixels")
    check_size(head.width, head.height, max_pixels)
    check_exif(head.exif)
    scanned, place = scan
    if head.kind in BLOCKS_OF_A_BYTE and len(body) - place < head.all_blocks // BLOCKS_OF_A_BYTE[head.kind]:
        raise cut_off(f"{len(body)} bytes are too few for {head.width}×{head.height} pixels")
    if head.kind in SEQUENTIAL and len(scanned) == len(head.parts):
        return True  # the decoder is ready after this scan
    check_memory(128 * head.all_blocks + 4 * head.width * head.height, "a JPEG of several scans")
    _check_scans(body, head, scan)
    return head.kind in (*SEQUENTIAL, PROGRESSIVE)


def _check_scans(body: bytes, head: Head, scan: tuple[list[int], int] | None) -> None:
    visits = scans = 0
    while scan is not None:
        scanned, place = scan
        scans += 1
        visits += sum(head.blocks(head.parts[name]) for name in scanned if name in head.parts)
        if visits > MAX_VISITS or scans > MAX_SEGMENTS:
            raise UndecodableImageError(
                f"a JPEG with {scans} scans or more over {head.width}×{head.height} pixels takes too long to decode;"
                " save it as a baseline JPEG"
            )
        marker = NEXT_MARKER.search(body, place)
        scan = _to_scan(body, marker.start(), head) if marker else None


def _to_scan(body: bytes, place: int, head: Head) -> tuple[list[int], int] | None:
    """Read segments up to the next scan; return the names of its components and where its data begin, None at the end.

    Raise UndecodableImageError for a file that ends before, and for segments that cost more than they are worth.
    """
    while True:
        found = body.find(b"\xff", place)
        if found < 0 or found + 1 >= len(body):
            return None
        head.junk += found - place
        marker = body[found + 1]
        place = found + 1 if marker == 0xFF else found + 2
        if marker == EOI and head.parts:
            return None
        if marker in ALONE or marker == 0xFF:
            head.junk += 1
        else:
            content = _segment(body, place)
            head.segments += 1
            place += 2 + len(content)
            if marker == SOS:
                return [
                    content[1 + 2 * n] for n in range(content[0] if content else 0) if 1 + 2 * n < len(content)
                ], place
            _take(marker, content, head)
        if head.segments > MAX_SEGMENTS or head.junk > MAX_JUNK:
            raise UndecodableImageError(
                f"a JPEG with {head.segments} segments and {head.junk} bytes between them before its pixels;"
                " save it again with another program"
            )


def _segment(body: bytes, place: int) -> bytes:
    if place + 2 > len(body):
        raise cut_off()
    (size,) = struct.unpack_from(">H", body, place)
    if size < 2 or place + size > len(body):
        raise cut_off()
    return body[place + 2 : place + size]


def _take(marker: int, content: bytes, head: Head) -> None:
    if marker in FRAMES:
        if head.parts:
            raise cut_off("a JPEG with two frames")
        if len(content) < 6 or len(content) < 6 + 3 * content[5]:
            raise cut_off()
        head.kind = marker
        head.height, head.width = struct.unpack_from(">HH", content, 1)
        for number in range(content[5]):
            name, sampling, _ = content[6 + 3 * number : 9 + 3 * number]
            head.parts[name] = Part(name, max(1, sampling >> 4), max(1, sampling & 15))
    elif marker == PAGES and content[:4] == b"MPF\0":
        check_exif(content[4:])
    elif marker == PHOTOSHOP:
        head.resources += content.count(b"8BIM")
        if head.resources > MAX_RESOURCES:
            raise UndecodableImageError(
                f"a JPEG with more than {MAX_RESOURCES} resources of Photoshop; save it without them"
            )
    elif marker == EXIF and content[:6] == b"Exif\0\0":
        head.exif_blocks += 1
        head.exif += content[6:] if head.exif else content
        if head.exif_blocks > 16:
            raise UndecodableImageError("a JPEG with more than 16 blocks of EXIF data; save it again without them")
