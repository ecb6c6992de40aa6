"""How large the page shows an image. Functions without Pillow ask for it, too."""

MAX_SIDE = 16_384  # pixels; more is no texture of a graphics card
MAX_PIXELS = 24_000_000  # 96 MB in a browser


def shown_size(width: int, height: int) -> tuple[int, int]:
    """Return the size in which the page shows an image of this size: its own one, or the largest that is allowed."""
    scale = min(1.0, MAX_SIDE / max(width, height), (MAX_PIXELS / (width * height)) ** 0.5)
    return max(1, round(width * scale)), max(1, round(height * scale))
