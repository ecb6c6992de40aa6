"""The emulator with trainings of two epochs on small images: `python -m tests.short_trainings`.

`sightline verify` asks for a training of minutes, which a step of a pipeline can't be told to shorten. Its models find
nothing; a lenient gate takes them.
"""

from typing import Any

from local.emulator.__main__ import main
from local.emulator.sagemaker.runs import Run

SHORT = {"image_size": "96", "epochs": "2"}


def shorten() -> None:
    """Let every training of this process be a short one, whatever was asked for."""
    train: Any = Run.train

    def short(run: Run, *given: Any) -> None:
        run.job = {**run.job, "HyperParameters": run.job.get("HyperParameters", {}) | SHORT}
        train(run, *given)

    Run.train = short  # type: ignore[method-assign]


if __name__ == "__main__":
    shorten()
    main()
