"""Files of labels as strangers write them."""

from pathlib import Path

XML_BOMB = '<!DOCTYPE a [<!ENTITY b "boom">' + "".join(f'<!ENTITY b{n} "{"&b;" * 9}">' for n in range(9)) + "]>"
VOC = "<annotation><filename>a.jpg</filename><size><width>60</width><height>40</height></size>{}</annotation>"


def written(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a file of labels. Return its path."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
