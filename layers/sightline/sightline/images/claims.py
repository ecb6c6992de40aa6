"""What an upload's metadata says of the image, as far as it is believed.

Whoever may write an object may write any metadata. A device may write below its own name alone, because its certificate
says which that is; so what is said in a device's name counts only there.
"""

from collections.abc import Mapping
from datetime import datetime

from sightline import names
from sightline.vision.verdict import Outcome

DEVICE = "device"  # the metadata's name of the device, and the source of images that devices send
CAPTURED = "captured-at"
OF_A_DEVICE = (DEVICE, "verdict", "model-version", "sampled")
MOST = 128  # characters of one value


def believed(key: str, metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata of an object without what its key does not prove, and without values that can't be."""
    found = {name: value[:MOST] for name, value in metadata.items() if value.isprintable()}
    if not key.startswith(f"{names.INCOMING}{found.get(DEVICE) or '/'}/"):
        found = {name: value for name, value in found.items() if name not in OF_A_DEVICE}
        if found.get("source") == DEVICE:
            del found["source"]
    if "verdict" in found and found["verdict"] not in set(Outcome):
        del found["verdict"]
    if CAPTURED in found and not is_moment(found[CAPTURED]):
        del found[CAPTURED]
    return found


def is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
