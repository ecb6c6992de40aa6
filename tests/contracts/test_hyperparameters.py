"""docs/reference/hyperparameters.md tells every hyperparameter as the code has it, and no other."""

import re
from dataclasses import fields

from sightline.models.hyperparameters import LIMITS, Hyperparameters
from tests.project import ROOT


def test_every_hyperparameter_is_documented_with_its_default_and_its_range() -> None:
    text = (ROOT / "docs" / "reference" / "hyperparameters.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \| (\S+) to (\S+) \| (.+) \|$", text, re.MULTILINE)
    said = {name: (float(default), (float(low), float(high))) for name, default, low, high, _ in rows}
    assert said == {field.name: (field.default, LIMITS[field.name]) for field in fields(Hyperparameters)}
