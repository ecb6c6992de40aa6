"""Names: the version of a model's component."""

import pytest

from sightline import names


def test_each_model_package_has_its_own_component_version() -> None:
    versions = (1, 12, 999_999, 1_000_000, 2_000_001)
    assert [names.component_version(version) for version in versions] == [
        "1.0.1",
        "1.0.12",
        "1.0.999999",
        "1.1.0",
        "1.2.1",
    ]


def test_a_model_package_version_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="starts at 1, got 0"):
        names.component_version(0)


def test_a_component_version_tells_its_model_package() -> None:
    versions = [1, 12, 999_999, 1_000_000, 2_000_001]
    assert [names.package_version(names.component_version(version)) for version in versions] == versions


def test_images_are_called_after_their_files_and_told_apart_by_folder_or_content() -> None:
    paths = {
        "0a": "line 1/a.jpg", "0b": "line 2/A.jpg", "0c": "line 2/b.jpg",
        "1234567890": "c.jpg", "abcdefabcd": "c.jpg", "0d": "no extension",
    }  # fmt: skip
    assert names.called(paths) == {
        "0a": "line 1/a.jpg", "0b": "line 2/A.jpg", "0c": "b.jpg",
        "1234567890": "c-12345678.jpg", "abcdefabcd": "c-abcdefab.jpg", "0d": "no extension",
    }  # fmt: skip
    assert names.called({"0c": "line 2/b.jpg"}, whole=True) == {"0c": "line 2/b.jpg"}
