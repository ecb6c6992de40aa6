"""A small image of noise, made without an imaging library: no two are alike, so none is taken for another."""

import secrets
import struct
import zlib

SIDE = 8  # pixels; an image of fewer than 16 is set aside


def tiny_png() -> bytes:
    """Return the bytes of a PNG of random greys."""
    rows = b"".join(b"\0" + secrets.token_bytes(SIDE) for _ in range(SIDE))  # each row begins with its filter: none
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)  # 8 bits, grey
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
