"""The page of records has classes that extend a record, wherever it stands, and those that are made by a call."""

from pathlib import Path

from scripts.draw_records import known_records, records

BASE = """
from typing import TypedDict

class Box(TypedDict):
    \"\"\"Where a defect lies.\"\"\"

    left: int  # pixels

Found = TypedDict("Found", {"class": str})
\"\"\"What was found.\"\"\"
"""
MORE = """
class Proposal(Box):
    \"\"\"A box that a model proposes.\"\"\"

    score: float  # 0..1

class Helper:
    pass
"""


def test_every_record_has_its_section(tmp_path: Path) -> None:
    base, more = tmp_path / "z.py", tmp_path / "a.py"
    base.write_text(BASE)
    more.write_text(MORE)
    known = known_records([more, base])
    assert known == {"Box": "dictionary", "Proposal": "dictionary"}
    assert [text.splitlines()[0] for path in (base, more) for text in records(path, known)] == [
        "### Box",
        "### Found",
        "### Proposal",
    ]
    proposal = next(records(more, known))
    assert "It has the fields of `Box` too." in proposal
    assert "| `score` | `float` | 0..1 |" in proposal
