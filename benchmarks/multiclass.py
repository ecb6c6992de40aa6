"""`python -m benchmarks.multiclass`: do the defaults learn data that nobody tuned them to? Six defect types on five
textures.

Draws the set of benchmarks/defects.py, splits it by part (the truth, which the drawing knows), trains with every
hyperparameter at its default and tests the files that ship on parts that were never seen.
"""

import argparse
import re
from dataclasses import replace
from pathlib import Path

from rich.table import Table

from benchmarks import defects
from benchmarks.common import ROOT, console, finish, table
from benchmarks.detector import folds
from benchmarks.detector.ours import OurRun, run_ours

SEED = 0


def by_part(name: str) -> str:
    """The part that a drawn photo shows, from its file's name."""
    return re.sub(r"-\d+\.jpg$", "", name)


class Multiclass(OurRun):
    """benchmarks/results/multiclass.json."""

    photos: dict[str, int]  # by split


def shown(result: Multiclass) -> list[Table | str]:
    models = table("model", "mAP@.50", "mAP@.50:.95", "MB")
    for kind, run in (("float", result["float"]), ("int8", result["int8"])):
        models.add_row(kind, f"{run['map50']:.3f}", f"{run['map50_95']:.3f}", f"{run['size_bytes'] / 1e6:.2f}")
    classes = table("class", "AP@.50")
    for name, score in result["float"]["classes"].items():
        classes.add_row(name, f"{score:.3f}")
    return [
        models,
        classes,
        (
            f"Trained on {result['photos']['train']} photos in {result['seconds']:.0f} s, "
            f"{result['processor_seconds']:.0f} processor seconds."
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--work",
        type=Path,
        default=ROOT / ".sightline" / "bench" / "multiclass",
        help="folder of the set and the model",
    )
    parser.add_argument("--hyperparameter", action="append", default=[], help="NAME=VALUE in the place of a default")
    given = parser.parse_args()
    labels = defects.generate(given.work / "drawn")
    found = folds.Labelled.read(labels.parent / "images", labels)
    labelled = replace(found, groups={name: by_part(name) for name in found.boxes})
    fold = folds.parts(labelled)[0]
    folds.write_dataset(labelled, fold, given.work)
    console.print(
        ", ".join(f"{len(names)} {split}" for split, names in fold.items()) + f"; {len(labelled.classes)} classes"
    )
    run = run_ours(given.work, SEED, dict(entry.split("=", 1) for entry in given.hyperparameter))
    result: Multiclass = {"photos": {split: len(names) for split, names in fold.items()}, **run}
    finish("multiclass", result, shown)


if __name__ == "__main__":
    main()
