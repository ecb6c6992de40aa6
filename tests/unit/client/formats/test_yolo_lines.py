"""What the numbers of a YOLO line are: told by `kpt_shape`, how many there are, and their ranges in all lines."""

import pytest

from client.formats.checks import BadLabelError
from client.formats.shapes import Upright
from client.formats.yolo_lines import OUTLINE, POINTS, SCORE, TRACK, Layouts

SIZE = (1000, 1000)
BOX = Upright(400, 400, 200, 200)
OF_BOX = "0.5 0.5 0.2 0.2"
MIDDLE = "0.5 0.4 0.6 0.5 0.5 0.6 0.4 0.5"  # a square on its corner: turned by 45°


def read(line: str, *others: str, keypoints: tuple[int, int] | None = None) -> tuple[Upright, tuple[str, ...]]:
    layouts = Layouts(keypoints)
    for each in (line, *others):
        layouts.see([float(word) for word in each.split()])
    box, layout = layouts.read([float(word) for word in line.split()], SIZE)
    found = Upright(*(round(value, 6) for value in (box.left, box.top, box.width, box.height)))
    return found, layout.lost


@pytest.mark.parametrize(
    ("line", "others", "box", "lost"),
    [
        (OF_BOX, (), BOX, ()),
        (f"{OF_BOX} 0.87", (), BOX, (SCORE,)),
        (f"{OF_BOX} 1", (f"{OF_BOX} 0.3",), BOX, (SCORE,)),
        (f"{OF_BOX} 7", (), BOX, (TRACK,)),
        (f"{OF_BOX} 1", (f"{OF_BOX} 12",), BOX, (TRACK,)),
        (f"{OF_BOX} 0.87 7", (), BOX, (SCORE, TRACK)),
        # Keypoints with what is seen of them: 2.0 is no part of an image.
        (f"{OF_BOX} 0.45 0.45 2 0.55 0.55 1", (), BOX, (POINTS,)),
        (f"{OF_BOX} 0 0 0 0.55 0.55 2 0.9", (), BOX, (POINTS, SCORE)),
        (f"{OF_BOX} 0.45 0.45 2 3", (), BOX, (POINTS, TRACK)),
        ("0.1 0.1 0.2 0.1 0.2 0.3", (), Upright(100, 100, 100, 200), (OUTLINE,)),
        ("0.1 0.1 0.2 0.1 0.2 0.3 0.87", (), Upright(100, 100, 100, 200), (OUTLINE, SCORE)),
        ("0.1 0.1 0.2 0.1 0.2 0.3 0.87 4", (), Upright(100, 100, 100, 200), (OUTLINE, SCORE, TRACK)),
        # A turned box in the middle of the image, where each pair of corners could be keypoints in a box.
        (MIDDLE, (), BOX, (OUTLINE,)),
        (f"{MIDDLE} 0.9", (), BOX, (OUTLINE, SCORE)),
        (f"{MIDDLE} 9", (), BOX, (OUTLINE, TRACK)),
        # An outline that could be a box with three keypoints, but for the other lines.
        (
            "0.5 0.4 0.6 0.5 0.6 0.6 0.5 0.6 0.4 0.5",
            ("0.9 0.9 0.95 0.9 0.95 0.95 0.93 0.95 0.9 0.95",),
            BOX,
            (OUTLINE,),
        ),
        ("0.5 0.4 0.6 0.5 0.6 0.6 0.5 0.6 0.4 0.5", (MIDDLE,), BOX, (OUTLINE,)),
        ("0.5 0.4 0.6 0.5 0.6 0.6 0.5 0.6 0.4 0.5", (OF_BOX,), BOX, (OUTLINE,)),
    ],
)
def test_a_line_is_read_as_what_all_lines_leave_possible(
    line: str, others: tuple[str, ...], box: Upright, lost: tuple[str, ...]
) -> None:
    assert read(line, *others) == (box, lost)


@pytest.mark.parametrize(
    ("line", "keypoints", "box", "lost"),
    [
        (f"{OF_BOX} 0.48 0.45 0.52 0.55", (2, 2), BOX, (POINTS,)),
        (f"{OF_BOX} 0.48 0.45 0.52 0.55 0.9", (2, 2), BOX, (POINTS, SCORE)),
        (f"{OF_BOX} 0.48 0.45 2", (1, 3), BOX, (POINTS,)),
        (f"{OF_BOX} 0.48 0.45 0.52 0.55", (0, 0), Upright(200, 200, 320, 350), (OUTLINE,)),
        (OF_BOX, (2, 2), BOX, ()),
    ],
)
def test_the_file_of_names_decides_whether_there_are_keypoints(
    line: str, keypoints: tuple[int, int], box: Upright, lost: tuple[str, ...]
) -> None:
    assert read(line, keypoints=keypoints) == (box, lost)


@pytest.mark.parametrize(
    ("line", "keypoints", "said"),
    [
        (f"{OF_BOX} 0.48 0.45 0.52 0.55", None, "it can be an outline or a box with keypoints; say `kpt_shape:"),
        (f"{OF_BOX} 0.48 0.45", None, "it can be an outline or a box with keypoints; say `kpt_shape:"),
        (f"{OF_BOX} 0.48 0.45 0.52 0.55", (17, 3), "9 numbers, which is no box, outline or pose"),
        ("0.1 0.1 0.1", None, "4 numbers, which is no box, outline or pose"),
        ("225 150 45 60", None, "numbers over 1: pixels, where parts of the image should be"),
        (f"{OF_BOX} -3", None, "its numbers are not those of a box with a score or a box with a track"),
        ("10 10 60 10 60 50", None, "its numbers are not those of "),
    ],
)
def test_a_line_that_can_not_be_or_can_be_two_boxes_is_refused(
    line: str, keypoints: tuple[int, int] | None, said: str
) -> None:
    with pytest.raises(BadLabelError) as caught:
        read(line, keypoints=keypoints)
    assert str(caught.value).startswith(said)


def test_a_bad_line_does_not_rule_out_what_the_others_are() -> None:
    for bad in ("9 9 9 9 9 9 9 9 9 9", "9 9 9 9 9 9", "9 9 9"):
        assert read(f"{OF_BOX} 0.45 0.45 2 0.55 0.55 1", bad) == (BOX, (POINTS,))


def test_a_box_without_keypoints_rules_them_out_but_not_where_the_file_of_names_has_them() -> None:
    line = f"{OF_BOX} 0.48 0.45 0.52 0.55"
    assert read(line, OF_BOX)[1] == (OUTLINE,)
    assert read(line, OF_BOX, keypoints=(2, 2)) == (BOX, (POINTS,))


@pytest.mark.parametrize(("line", "scored"), [(OF_BOX, False), (f"{OF_BOX} 0.3", True), (f"{OF_BOX} 7", False)])
def test_scores_tell_that_a_model_has_written_the_lines(line: str, scored: bool) -> None:
    layouts = Layouts(None)
    layouts.see([float(word) for word in line.split()])
    assert layouts.scored is scored
