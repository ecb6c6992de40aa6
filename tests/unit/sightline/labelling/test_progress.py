"""Who has answered how much."""

from sightline.labelling.progress import progress
from sightline.labelling.tasks import WorkerCount


def test_progress_says_who_did_how_much_and_how_fast() -> None:
    hour = 3_600_000
    workers = [WorkerCount("anna", 11, 0, hour), WorkerCount("ben", 1, hour, hour)]
    assert progress(workers) == {
        "workers": {"anna": {"answers": 11, "per_hour": 10.0}, "ben": {"answers": 1, "per_hour": None}},
        "answers": 12,
        "per_hour": 11.0,
    }
    assert progress([]) == {"workers": {}, "answers": 0, "per_hour": None}
