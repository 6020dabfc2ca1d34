"""What data are: `data show`'s record of columns, classes and encodings, and `data list`'s."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from dnncli.data import loading
from dnncli.data.formats import remote
from dnncli.data.quantities import summaries
from dnncli.records import (
    ClassCount,
    DataListRecord,
    DatasetRecord,
    DescriptionRecord,
    TargetRecord,
)
from dnncli.spec import DataSpec, catalog
from dnncli.spec.suffixes import is_table


def datasets() -> DataListRecord:
    """Every data set that has a name, and whether it is here."""
    return DataListRecord(tuple(_dataset(entry) for entry in catalog.DATASETS.values()))


def _dataset(entry: catalog.Entry) -> DatasetRecord:
    bundled = entry.name not in remote.REMOTES
    here = bundled or remote.is_here(entry.name)
    place = "in the package" if bundled else str(remote.folder(entry.name))
    return DatasetRecord(entry.name, entry.summary, entry.source, here, place)


def describe(spec: DataSpec) -> DescriptionRecord:
    """Everything about the data of --data; a table's columns one by one.

    Raises DataError and SpecError as reading does.
    """
    if not loading.is_named(spec.data) and is_table(spec.data) and not Path(spec.data).is_dir():
        from dnncli.data.tables import description  # and with it DuckDB

        with loading.reported(spec.data):
            return description.describe(spec)
    source = loading.read(spec)
    tests = len(source.test) if source.test else None
    classes: tuple[ClassCount, ...] = ()
    targets: tuple[TargetRecord, ...] = ()
    if source.targets:
        targets = summaries(source.targets, source.train.y)
    else:
        counts = np.bincount(source.train.y, minlength=len(source.class_names))
        classes = counted(source.class_names, counts)
    x = source.train.in_memory
    return DescriptionRecord(
        config=asdict(spec),
        name=source.name,
        place=source.location,
        examples=len(source.train),
        test=tests,
        features=source.train.x.shape[1],
        image_shape=source.image_shape,
        values=(float(x.min()), float(x.max())),
        classes=classes,
        fingerprint=source.fingerprint,
        notices=source.notices,
        targets=targets,
    )


def counted(names: Sequence[str], counts: Sequence[int] | np.ndarray) -> tuple[ClassCount, ...]:
    """Classes with their numbers of examples."""
    return tuple(ClassCount(name, int(count)) for name, count in zip(names, counts, strict=True))
