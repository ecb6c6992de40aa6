"""Hyperparameters: what SageMaker sends as texts, checked, with defaults. An unknown name is an error."""

from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches

from sightline.errors import SightlineError

MOST_SECONDS = 86_400  # of a training job, without the time that it waits for spot capacity


class InvalidHyperparametersError(SightlineError):
    """Hyperparameters that SageMaker does not take, or one that is unknown or has a value that can't be used."""


@dataclass(frozen=True)
class Hyperparameters:
    """Everything that can be set, with its unit and range in LIMITS."""

    epochs: int = 60
    max_seconds: float = 3600.0  # training stops after the epoch that passes this; the schedule is stretched to fit
    image_size: int = 384  # longer side of the model's input, pixels; a multiple of 32
    batch_size: int = 8
    learning_rate: float = 4e-3
    weight_decay: float = 0.05
    warmup_epochs: int = 3
    mosaic: float = 0.3  # share of training images that are put together from four
    ema_decay: float = 0.998
    patience: int = 40  # evaluations without a better model before training stops
    seed: int = 0
    warm_start: int = 0  # 1: start from the weights of the model in service, where it has a channel
    escape_cost: float = 3.0  # what an escaped defect costs, in units of ...
    alarm_cost: float = 1.0  # ... what a false alarm costs

    @classmethod
    def from_texts(cls, texts: object) -> "Hyperparameters":
        """Read `{"epochs": "80", …}`. Raises InvalidHyperparametersError naming the entry, its value and the range."""
        if not isinstance(texts, dict):
            raise InvalidHyperparametersError(f'hyperparameters must be like {{"epochs": "80"}}, got {texts!r:.100}')
        kinds = {field.name: field.type for field in fields(cls)}
        values: dict[str, float] = {}
        for name, text in texts.items():
            if name not in kinds:
                raise InvalidHyperparametersError(_unknown(str(name), sorted(kinds)))
            values[name] = _read(name, text, whole=kinds[name] in (int, "int"))
        chosen = cls(**values)  # type: ignore[arg-type]  # each value has its field's type
        if chosen.image_size % 32:
            raise InvalidHyperparametersError(f"image_size must be a multiple of 32, got {chosen.image_size}")
        return chosen

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}? There" if near else "there"
    return f"unknown hyperparameter {name!r:.100}; {hint} are: {', '.join(known)}"


def _read(name: str, given: object, *, whole: bool) -> float:
    """A value in its range; a number, as somebody writes it by hand, is taken as its text."""
    low, high = LIMITS[name]
    wanted = f"{name} must be a {'whole ' if whole else ''}number of {low}..{high}, got {given!r:.100}"
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise InvalidHyperparametersError(wanted)
    try:
        value = int(str(given)) if whole else float(str(given))
    except ValueError as error:
        raise InvalidHyperparametersError(wanted) from error
    if not low <= value <= high:  # NaN too
        raise InvalidHyperparametersError(wanted)
    return value


LIMITS: dict[str, tuple[float, float]] = {
    "epochs": (1, 10_000),
    "max_seconds": (1, MOST_SECONDS - 3600),  # the job is cut then: an hour is left to read images and write the model
    "image_size": (64, 2048),
    "batch_size": (1, 1024),
    "learning_rate": (1e-6, 1.0),
    "weight_decay": (0.0, 1.0),
    "warmup_epochs": (0, 1000),
    "mosaic": (0.0, 1.0),
    "ema_decay": (0.0, 0.99999),
    "patience": (1, 10_000),
    "seed": (0, 2**31 - 1),
    "warm_start": (0, 1),
    "escape_cost": (0.001, 1_000_000),
    "alarm_cost": (0.001, 1_000_000),
}
