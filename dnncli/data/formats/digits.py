"""The bundled data: 1,797 handwritten digits of 8×8 pixels, each pixel 0 to 16.

The test part of the UCI "Optical Recognition of Handwritten Digits" (Alpaydin & Kaynak 1998,
doi.org/10.24432/C50P49, CC BY 4.0), in the order in which scikit-learn ships it.
"""

from importlib.resources import files

import numpy as np

from dnncli.data import labels
from dnncli.data.source import DataSource, Table, fingerprint


def read() -> DataSource:
    """All images; validation and test sets of 200 and 300 are drawn stratified."""
    with files("dnncli.data.formats").joinpath("digits.npz").open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        x = archive["x"]
        y = archive["y"]
    (classes,), class_names = labels.encode(y)
    return DataSource(
        name="digits",
        location="digits",
        train=Table(x.reshape(len(x), -1), classes),
        test=None,
        class_names=class_names,
        image_shape=(8, 8),
        peak=16.0,
        ordered=False,
        held_out={"validation": 200, "test": 300},
        fingerprint=fingerprint(x, y),
    )
