"""The estimate: what it counts, from which states, and how it grows."""

import itertools
from dataclasses import replace

import pytest

from client.costs import estimate, idle
from client.costs.bill import Bill, Use
from client.costs.estimate import Workload
from client.costs.prices import Prices
from client.costs.template import Template
from client.costs.work import Linear, Work
from tests.project import targets, workflow

PRICES = Prices.of("us-east-1")
WORK = Work(
    "2026-11-30T00:00:00+00:00", Linear({"s3.put": 2.0}, {"s3.put": 10.0}), Linear({"s3.get": 1.0}, {"s3.get": 4.0})
)


def quantity(uses: "list[Use]", price: str) -> float:
    return sum(use.quantity for use in uses if use.price == price)


@pytest.mark.parametrize(
    ("machine", "path", "calls"),
    [
        ("train_model", estimate.TRAINING_PATH, estimate.TRAINING_CALLS),
        ("deploy_model", estimate.ROLLOUT_PATH, estimate.ROLLOUT_CALLS),
    ],
)
def test_states_and_calls_are_those_of_the_workflow(machine: str, path: tuple[str, ...], calls: int) -> None:
    definition = workflow(machine)
    states = definition["States"]
    assert path[0] == definition["StartAt"]
    assert [(a, b) for a, b in itertools.pairwise(path) if b not in targets(states[a])] == []
    assert states[path[-1]]["Type"] == "Succeed"
    assert calls == sum("lambda:invoke" in states[state].get("Resource", "") for state in path)


def test_without_work_the_estimate_is_the_idle_bill() -> None:
    template = Template.of({})
    nothing = Bill.of(estimate.uses(Workload(), template, WORK), PRICES)
    assert nothing.total == pytest.approx(Bill.of(idle.uses(template), PRICES).total)


def test_labelling_counts_images_and_jobs_and_sends_each_photo_twice() -> None:
    uses = list(estimate.labelling(Workload(images=1000, image_mb=3.0, jobs=2), WORK))
    assert quantity(uses, "s3.put") == 1000 * 2 + 2 * 10
    assert quantity(uses, "s3.out_gb") == pytest.approx(6.0)
    assert quantity(uses, "s3.gb_month") == pytest.approx(6.0)


def test_another_round_labels_and_shows_once_more() -> None:
    once = Workload(images=100)
    twice = [list(estimate.labelling(replace(once, rounds=rounds), WORK)) for rounds in (1.0, 2.0)]
    assert quantity(twice[1], "s3.out_gb") == 2 * quantity(twice[0], "s3.out_gb")


def test_a_training_is_paid_by_the_hour_of_its_instance() -> None:
    workload = Workload(trainings=2, training_hours=3)
    plain, spot = (
        list(
            estimate.training(workload, Template.of({"TrainingInstanceType": "ml.g5.xlarge", "UseSpotTraining": value}))
        )
        for value in ("false", "true")
    )
    assert quantity(plain, "sagemaker.hour.ml.g5.xlarge") == 6
    assert quantity(spot, "sagemaker.hour.ml.g5.xlarge") == pytest.approx(6 * estimate.SPOT)


def test_devices_send_a_message_for_each_verdict_and_each_window() -> None:
    uses = list(estimate.devices(Workload(devices=2, verdicts=1000)))
    assert quantity(uses, "greengrass.device") == 2
    assert quantity(uses, "iot.message") == 2 * (1000 + 730 * 12)


def test_a_line_goes_through_both_measurements() -> None:
    line = Linear.through((10, {"s3.put": 25.0, "s3.get": 5.0}), (40, {"s3.put": 85.0, "s3.get": 5.0}))
    assert line == Linear({"s3.put": 2.0, "s3.get": 0.0}, {"s3.put": 5.0, "s3.get": 5.0})


def test_what_was_measured_has_a_price() -> None:
    measured = Work.measured()
    for line in (measured.labelling, measured.scoring):
        assert line.image.keys() == line.run.keys()
        assert [price for price in line.image if price not in PRICES.by_key] == []
        assert sum(line.image.values()) > 0
