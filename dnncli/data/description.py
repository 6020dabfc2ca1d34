"""What data are: `data show`'s record of columns, classes and encodings."""

from collections import Counter
from dataclasses import asdict

import numpy as np

from dnncli.data import loading
from dnncli.data.source import Source
from dnncli.data.tables.encoding import Column
from dnncli.data.tables.kinds import is_table
from dnncli.errors import DataError
from dnncli.records import ClassCount, ColumnRecord, DescriptionRecord
from dnncli.spec import DataSpec

SHOWN = 4  # levels that are named


def describe(spec: DataSpec) -> DescriptionRecord:
    """Everything about the data of --data; a table's columns one by one.

    Raises DataError and SpecError as reading does.
    """
    source = loading.read(spec)
    counts = np.bincount(source.train.y, minlength=len(source.class_names))
    return DescriptionRecord(
        name=source.name,
        place=source.place,
        examples=len(source.train),
        test=len(source.test) if source.test else None,
        features=source.train.x.shape[1],
        image_shape=source.image_shape,
        classes=tuple(ClassCount(name, int(n)) for name, n in zip(source.class_names, counts, strict=True)),
        columns=_columns(spec) if source.encoding else (),
        notices=source.notices,
        config={name: value for name, value in asdict(spec).items() if value is not None},
    )
