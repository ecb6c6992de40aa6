"""Pixels that are transparent: the one place that decides what is seen there, which is white."""

from __future__ import annotations

from PIL import Image, ImageChops


def over_white(image: Image.Image, alpha: Image.Image, *, associated: bool = False) -> Image.Image:
    """Return a grey or RGB image as it looks on white paper; `associated` where its colours are multiplied already.

    An alpha of 0 everywhere is one that a program forgot to fill, not an empty picture: it is ignored.
    """
    lowest, highest = alpha.getextrema()
    if lowest == 255 or highest == 0:
        return image
    if associated:
        paper = ImageChops.invert(alpha)
        return ImageChops.add(image, Image.merge(image.mode, [paper] * len(image.getbands())))
    white = Image.new(image.mode, image.size, "white")
    white.paste(image, mask=alpha)
    return white


def without_alpha(image: Image.Image) -> Image.Image:
    """Return an image of Pillow as grey or RGB of 8 bits, as it looks on white paper."""
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image
    if image.mode == "1" and "transparency" not in image.info:
        return image.convert("L")
    if image.mode in ("LA", "RGBA", "RGBa") or "transparency" in image.info:
        grey = image.mode in ("1", "L", "LA")
        with_alpha = image.convert("LA" if grey else "RGBA")
        return over_white(with_alpha.convert("L" if grey else "RGB"), with_alpha.getchannel("A"))
    return image.convert("RGB")
