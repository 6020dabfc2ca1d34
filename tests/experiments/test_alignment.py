"""Data made to fit a trained network: its scaling and its classes, or one line that says why not."""

from dataclasses import replace

import numpy as np
import pytest
from problems import dataset

from dnncli.data import Scaling, Split
from dnncli.errors import DataError
from dnncli.experiments import alignment
from dnncli.training import snapshot


def known(names=("cat", "dog", "hen"), features=6):
    """What a network keeps of the data it was trained on: three classes and a scaling of its own."""
    offset, scale = np.arange(features, dtype=np.float32), np.full(features, 4, np.float32)
    trained = replace(
        dataset(features=features), class_names=names, scaling=Scaling("standard", offset, scale)
    )
    return snapshot.summary(trained)


def other(names=("cat", "dog", "hen"), **options):
    return replace(
        dataset(classes=len(names), seed=7, **options), name="new.npz", class_names=names
    )


def test_features_are_scaled_as_the_networks_own_were():
    data = other()
    adopted = alignment.align(data, known())
    for name in ("train", "validation", "test"):
        expected = (data.split(name).x.astype(np.float64) - np.arange(6)) / 4
        np.testing.assert_allclose(adopted.split(name).x, expected, rtol=1e-6, atol=1e-6)
    assert adopted.scaling.kind == "standard"


def test_classes_get_the_networks_numbers_by_name():
    data = other(names=("hen", "cat"))  # in another order, and one is missing
    adopted = alignment.align(data, known())
    assert adopted.class_names == ("cat", "dog", "hen")
    assert adopted.classes == 3
    for name in ("train", "validation", "test"):
        before, after = data.split(name).y, adopted.split(name).y
        assert [data.class_names[c] for c in before] == [adopted.class_names[c] for c in after]


def test_what_the_data_are_stays_as_it_was():
    data = other()
    adopted = alignment.align(data, known())
    assert (adopted.name, adopted.fingerprint) == ("new.npz", data.fingerprint)


def test_other_features_are_refused():
    with pytest.raises(DataError, match=r"^new\.npz has 5 features, but the network takes 6\.$"):
        alignment.align(other(features=5), known())
    with pytest.raises(DataError, match="5 features"):
        alignment.rescale(other(features=5), known())


def test_a_class_that_is_new_to_the_network_is_refused():
    with pytest.raises(
        DataError, match=r"^new\.npz has the class 'cow', which the network was not trained on"
    ):
        alignment.align(other(names=("cat", "cow", "dog")), known())


def test_rescaling_takes_any_classes():
    data = other(names=("cow", "owl"))
    rescaled = alignment.rescale(data, known())
    assert rescaled.class_names == ("cow", "owl")
    np.testing.assert_array_equal(rescaled.test.y, data.test.y)


def test_an_empty_split_stays_empty():
    nothing = Split(np.zeros((0, 6), np.float32), np.zeros(0, np.int32))
    assert len(alignment.align(replace(other(), validation=nothing), known()).validation) == 0
