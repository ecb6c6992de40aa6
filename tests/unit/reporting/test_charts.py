"""Charts: what is written in them has room, and what is drawn lies on the scale."""

import pytest

from reporting.charts import chart, training_charts


def test_the_chosen_threshold_is_written_above_the_lines() -> None:
    text = chart({"cost": [(0.1, 1.0)]}, "threshold", "cost", 1.0, (0.5, "chosen: 0.50"))
    assert 'y="20" font-size="12"' in text
    assert 'y1="28.0" y2="28.0"' in text  # the highest line


@pytest.mark.parametrize(("loss", "top"), [(9.3, "10.00"), (0.31, "0.40"), (4.0, "4.00"), (130, "160.00")])
def test_the_highest_tick_of_the_loss_is_a_short_number_above_it(loss: float, top: str) -> None:
    drawn = training_charts([{"epoch": 0, "train:loss": loss}, {"epoch": 1, "train:loss": loss / 2}])
    assert f">{top}</text>" in drawn


def test_a_training_without_a_history_has_no_charts() -> None:
    assert training_charts([]) == ""
