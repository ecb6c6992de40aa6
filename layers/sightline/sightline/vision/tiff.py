"""The pixels of TIFF files, whatever the numbers are that a camera stores.

Pillow unpacks the bytes (`sightline.vision.tiff_rows`). What they mean (byte order, predictor, planes, bits, which end
is white, alpha) is decided here, the same with every version of Pillow. Compressions that have pixels of their own
(JPEG, fax) are Pillow's, and so are L*a*b* and YCbCr.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from sightline.vision.alpha import over_white
from sightline.vision.bands import as_image
from sightline.vision.depth import to_8_bit, used_bits
from sightline.vision.orientation import UPRIGHT, of_xmp, valid
from sightline.vision.pixels import Numbers, Pixels, UndecodableImageError, blank
from sightline.vision.tiff_pages import SHORT, Directories, Page, Tag
from sightline.vision.tiff_rows import NONE, OF_BYTES, StoredRows

MIN_IS_WHITE, GREY, RGB, PALETTE, CMYK, YCBCR, LAB, MOSAIC, LINEAR = 0, 1, 2, 3, 5, 6, 8, 32803, 34892
COLOURS = {MIN_IS_WHITE: 1, GREY: 1, RGB: 3, PALETTE: 1, CMYK: 4}  # numbers of a pixel, without extra ones
UNSIGNED, SIGNED, FLOATING = 1, 2, 3
HORIZONTAL = 2  # the predictor
ASSOCIATED, UNASSOCIATED = 1, 2  # kinds of alpha
MAX_SAMPLES = 8  # numbers of a pixel
MAX_KEPT_BYTES = 128_000_000  # kept instead of being unpacked twice


@dataclass(frozen=True)
class Layout:
    """How the numbers of a page lie in its bytes."""

    bits: int
    samples: int  # numbers of a pixel
    colours: int  # how many of them are grey, colours or inks; the others are alpha or something unknown
    photometric: int
    signed: bool
    planar: bool
    tile: tuple[int, int] | None  # width and height
    predicted: bool
    alpha: int | None  # which of the numbers is alpha
    associated: bool  # the colours are multiplied by it already
    said_bits: int | None


def page_of(body: bytes) -> Page:
    """Return the page that is the picture. Raise UndecodableImageError."""
    return Directories(body).picture()


def orientation_of(page: Page) -> int:
    if page.kinds.get(Tag.ORIENTATION) == SHORT and len(page.all(Tag.ORIENTATION)) == 1:
        found = valid(page.one(Tag.ORIENTATION))
        if found is not None:
            return found
    return (of_xmp(page.xmp) if page.xmp else None) or UPRIGHT


def decoded(body: bytes, page: Page) -> Image.Image | Pixels:
    """Decode a page to grey or RGB of 8 bits, as it is stored. Raise UndecodableImageError."""
    photometric = page.one(Tag.PHOTOMETRIC, GREY)
    if photometric in (MOSAIC, LINEAR):
        raise UndecodableImageError(
            "raw data of a colour sensor (CFA); have the camera or its program save the picture in colours or grey"
        )
    if page.one(Tag.COMPRESSION, NONE) not in OF_BYTES or photometric == LAB:
        return _by_pillow(body, page)
    if photometric not in COLOURS:
        raise _unusual(page)
    layout = _layout(page, photometric)
    found = _Numbers(body, page, layout).picture()
    if photometric == PALETTE:
        return _coloured(as_image(found), page)
    return as_image(found).convert("RGB") if photometric == CMYK else found


def _layout(page: Page, photometric: int) -> Layout:
    samples = page.one(Tag.SAMPLES, 1)
    sizes = set(page.all(Tag.BITS)) or {1}
    kinds = set(page.all(Tag.NUMBER_KIND)) or {UNSIGNED}
    colours = COLOURS[photometric]
    bits = sizes.pop()
    if FLOATING in kinds:
        raise UndecodableImageError(
            "pixels are floating-point numbers, and nothing says which one is white; save the image with 8 or 16 bits"
        )
    if sizes or not (1 <= bits <= 16 or bits == 32) or not colours <= samples <= MAX_SAMPLES or len(kinds) > 1:
        said = "+".join(str(size) for size in page.all(Tag.BITS)[:MAX_SAMPLES])
        raise UndecodableImageError(f"pixels of {samples} numbers of {said} bits; save the image with 8 or 16 bits")
    if photometric == PALETTE and bits > 8:
        raise UndecodableImageError(f"a palette of {bits} bits; save the image in colours")
    extra = page.all(Tag.EXTRA)
    alpha = next((place for place, kind in enumerate(extra) if kind in (ASSOCIATED, UNASSOCIATED)), None)
    if alpha is not None and colours + alpha >= samples:
        alpha = None
    largest = page.one(Tag.LARGEST)
    return Layout(
        bits=bits,
        samples=samples,
        colours=colours,
        photometric=photometric,
        signed=kinds == {SIGNED},
        planar=page.one(Tag.PLANAR, 1) == 2 and samples > 1,
        tile=(page.one(Tag.TILE_WIDTH), page.one(Tag.TILE_HEIGHT)) if Tag.TILES in page.tags else None,
        predicted=page.one(Tag.PREDICTOR, 1) == HORIZONTAL and page.one(Tag.COMPRESSION, NONE) != NONE,
        alpha=None if alpha is None else colours + alpha,
        associated=alpha is not None and extra[alpha] == ASSOCIATED,
        said_bits=largest.bit_length() if bits == 16 and 255 < largest < 65535 else None,
    )


class _Numbers:
    """The numbers of a page, read a band of rows at a time."""

    def __init__(self, body: bytes, page: Page, layout: Layout) -> None:
        self.page, self.layout = page, layout
        self.width, self.height = page.size
        self.per_plane = 1 if layout.planar else layout.samples
        planes = layout.samples if layout.planar else 1
        self.wanted = min(planes, layout.colours if layout.alpha is None else layout.alpha + 1)
        row_bytes = _bytes_of(self.width * self.per_plane, layout.bits)
        tile_bytes = 0
        if layout.tile:
            width, height = layout.tile
            if not width or not height or width * height > 4 * max(page.pixels, 1 << 20):
                raise UndecodableImageError(f"damaged image: tiles of {width}×{height} pixels")
            tile_bytes = _bytes_of(width * self.per_plane, layout.bits)
        self.stored = StoredRows(body, page, row_bytes, tile_bytes, planes)
        self.kept: list[tuple[int, Numbers]] = []  # bands, where they are needed twice and are not too many
        self.is_small = row_bytes * self.height * self.wanted <= MAX_KEPT_BYTES

    def bands(self) -> Iterator[tuple[int, Numbers]]:
        """Return the first row of each band, and its numbers [rows, width, samples]."""
        if self.kept:
            yield from self.kept
            return
        for parts in zip(*(self.stored.bands(plane) for plane in range(self.wanted))):
            numbers = [self._numbers(raw) for _, raw in parts]
            yield parts[0][0], numbers[0] if len(numbers) == 1 else np.concatenate(numbers, axis=2)

    def _numbers(self, raw: Pixels) -> Numbers:
        """Turn rows of bytes into numbers [rows, width, numbers of a pixel in this plane]."""
        layout, count = self.layout, self.width * self.per_plane
        if layout.bits in (8, 16, 32):
            form = f"{self.page.order}{'i' if layout.signed else 'u'}{layout.bits // 8}"
            numbers = np.ascontiguousarray(raw).view(form)
            numbers = numbers.astype(numbers.dtype.newbyteorder("="), copy=False)
        else:
            numbers = _unpacked(raw, layout.bits, count)
        numbers = numbers.reshape(len(raw), self.width, self.per_plane)
        if layout.predicted:
            across = layout.tile[0] if layout.tile else self.width
            parts = (numbers[:, left : left + across] for left in range(0, self.width, across))
            return np.concatenate([np.cumsum(part, axis=1, dtype=part.dtype) for part in parts], axis=1)
        return numbers

    def picture(self) -> Image.Image | Pixels:
        """Return the pixels of 8 bits. Only what needs alpha, inks or a palette is made an image: that takes the memory
        once more.
        """
        layout, colours = self.layout, self.layout.colours
        taken = blank((self.height, self.width) if colours == 1 else (self.height, self.width, colours))
        alpha = np.empty((self.height, self.width), np.uint8) if layout.alpha is not None else None

        def take(top: int, numbers: Numbers, bits: tuple[int, int]) -> None:
            rows = slice(top, top + len(numbers))
            values = numbers[..., :colours] if colours > 1 else numbers[..., 0]
            taken[rows] = values if layout.photometric == PALETTE else to_8_bit(_unsigned(values), bits[0])
            if alpha is not None and layout.alpha is not None:
                alpha[rows] = to_8_bit(_unsigned(numbers[..., layout.alpha]), bits[1])

        seen, bits, again = _Range(), (0, 0), 0
        for top, numbers in self.bands():
            if self.is_small:
                self.kept.append((top, numbers))
            seen.see(numbers, layout)
            found = _used_bits(seen, layout)
            if found != bits:
                bits, again = found, top  # the rows before were taken for darker ones
            take(top, numbers, bits)
        for top, numbers in self.bands() if again else ():
            if top >= again:
                break
            take(top, numbers, bits)
        self.kept = []  # the numbers and two pictures at one time are too much
        if layout.photometric == MIN_IS_WHITE:
            np.subtract(255, taken, out=taken)
        if colours == 4:
            return Image.fromarray(taken, "CMYK")
        if alpha is None:
            return taken
        return over_white(Image.fromarray(taken), Image.fromarray(alpha), associated=layout.associated)


@dataclass
class _Range:
    """The lowest and the brightest colour, and the most opaque alpha, of the numbers so far."""

    lowest: int = 0
    brightest: int = 0
    opaque: int = 0

    def see(self, numbers: Numbers, layout: Layout) -> None:
        if _is_sure(layout):
            return
        colours = numbers[..., : layout.colours]
        self.lowest, self.brightest = min(self.lowest, int(colours.min())), max(self.brightest, int(colours.max()))
        if layout.alpha is not None:
            self.opaque = max(self.opaque, int(numbers[..., layout.alpha].max()))


def _is_sure(layout: Layout) -> bool:
    """Whether the layout alone says how many bits are used."""
    return layout.bits <= 15 and not layout.signed


def _used_bits(seen: _Range, layout: Layout) -> tuple[int, int]:
    """Return the bits that colours and alpha use. Raise UndecodableImageError where that is not sure."""
    if _is_sure(layout):
        return layout.bits, layout.bits
    if seen.lowest < 0:
        raise UndecodableImageError(
            f"pixels are numbers with a sign, down to {seen.lowest}, and nothing says which one is black;"
            " save the image with 8 or 16 bits"
        )
    if layout.signed and layout.bits == 8:
        return 7, 7
    if layout.photometric == CMYK:
        return layout.bits, layout.bits
    bits = used_bits(seen.brightest, layout.said_bits)
    return bits, bits if seen.opaque < 1 << bits else used_bits(seen.opaque)


def _unsigned(numbers: Numbers) -> Numbers:
    """Return numbers, none of which is below 0, without a sign."""
    return numbers.view(numbers.dtype.str.replace("i", "u")) if numbers.dtype.kind == "i" else numbers


def _bytes_of(count: int, bits: int) -> int:
    return (count * bits + 7) // 8


def _unpacked(raw: Pixels, bits: int, count: int) -> Numbers:
    """Return numbers [rows, count] of any bits that lie one after the other, the highest bit first."""
    single = np.unpackbits(raw, axis=1)[:, : count * bits].reshape(len(raw), count, bits)
    weights = (1 << np.arange(bits - 1, -1, -1)).astype(np.float32)  # numbers up to 32,767 are exact, and fast
    return (single.astype(np.float32) @ weights).astype(np.uint8 if bits <= 8 else np.uint16)


def _coloured(image: Image.Image, page: Page) -> Image.Image:
    """Return the colours of a palette for an image of its numbers."""
    colours = np.array(page.all(Tag.COLOUR_MAP), np.uint16)
    if colours.size != 3 << page.one(Tag.BITS, 1):
        raise UndecodableImageError(f"damaged image: a palette of {colours.size} numbers")
    if colours.max() > 255:  # some programs write 8 bits into the 16
        colours >>= 8
    table = colours.reshape(3, -1).astype(np.uint8)
    padded = np.zeros((3, 256), np.uint8)
    padded[:, : table.shape[1]] = table
    return Image.merge("RGB", [image.point(list(channel)) for channel in padded.tolist()])


def _unusual(page: Page, said: str = "") -> UndecodableImageError:
    kind = (
        f"photometric interpretation {page.one(Tag.PHOTOMETRIC, GREY)}, compression {page.one(Tag.COMPRESSION, NONE)}"
    )
    return UndecodableImageError(
        f"a TIFF of a kind that is not read, or damaged ({kind}{said}); save the image as grey or RGB of 8 or 16 bits"
    )


def _by_pillow(body: bytes, page: Page) -> Image.Image:
    """Return a page that only Pillow can decode, stored as it is: it must not turn it by itself."""
    if len(body) >= 1 << 32 or page.start >= 1 << 32:
        raise UndecodableImageError("damaged image: the file is too large")
    changed = bytearray(body)
    form, place = ("Q", 8) if body[2:4] in (b"+\0", b"\0+") else ("I", 4)
    struct.pack_into(page.order + form, changed, place, page.start)
    for tag in (Tag.ORIENTATION, Tag.XMP):
        if tag in page.entries:
            struct.pack_into(page.order + "H", changed, page.entries[tag], 65000)  # a tag that nobody knows
    try:
        image = TiffImageFile(io.BytesIO(bytes(changed)))
        image.load()
    except MemoryError:
        raise
    except Exception as error:  # a kind that Pillow does not know, or damage: it does not say which
        raise _unusual(page, f": {type(error).__name__}: {error}") from error
    return image.convert("L" if image.mode in ("1", "L") else "RGB")
