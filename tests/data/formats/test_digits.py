"""The bundled digits are the UCI images that scikit-learn ships, in its order."""

import importlib.resources

import numpy as np
import pytest

from dnncli.data.formats import digits
from dnncli.data.splitting import split

DIGITS = digits.read()


def test_it_holds_1797_images_of_64_pixels_from_0_to_16() -> None:
    assert DIGITS.train.x.shape == (1797, 64)
    assert DIGITS.train.x.dtype == np.uint8
    assert (DIGITS.train.x.min(), DIGITS.train.x.max()) == (0, DIGITS.peak)
    assert DIGITS.train.x.sum() == 561718
    assert DIGITS.image_shape == (8, 8)


def test_its_classes_have_the_published_sizes() -> None:
    assert DIGITS.class_names == tuple("0123456789")
    assert np.bincount(DIGITS.train.y).tolist() == [
        178,
        182,
        177,
        183,
        181,
        182,
        181,
        179,
        174,
        180,
    ]


def test_it_is_what_scikit_learn_ships() -> None:
    theirs = pytest.importorskip("sklearn.datasets").load_digits()
    np.testing.assert_array_equal(DIGITS.train.x, theirs.data)
    np.testing.assert_array_equal(DIGITS.train.y, theirs.target)


def test_the_package_carries_its_licence() -> None:
    licence = (
        importlib.resources.files("dnncli.data.formats")
        .joinpath("digits.LICENSE")
        .read_text("utf-8")
    )
    assert all(part in licence for part in ("CC BY 4.0", "Alpaydin", "Kaynak", "10.24432/C50P49"))


def test_the_standard_split_is_1297_200_300_with_each_class_within_1_of_its_share() -> None:
    parts = split(DIGITS, None, None)
    assert [len(part) for part in parts] == [1297, 200, 300]
    whole = np.bincount(DIGITS.train.y)
    for part in parts:
        assert abs(np.bincount(part.y) - whole * len(part) / 1797).max() < 1


def test_the_standard_split_never_changes() -> None:
    row = {image.tobytes(): number for number, image in enumerate(DIGITS.train.x)}
    validation, test = (
        [row[image.tobytes()] for image in part.x[:6]] for part in split(DIGITS, None, None)[1:]
    )
    assert validation == [25, 74, 75, 76, 79, 82]
    assert test == [30, 35, 40, 43, 45, 50]
