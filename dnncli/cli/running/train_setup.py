"""What `train` is about to do: the run, the data, the devices and the files.

JAX is imported here once the data are read: what is wrong with them shows at once.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnncli.cli import outputs
from dnncli.cli.presenter import Presenter
from dnncli.errors import SpecError
from dnncli.spec import RunSpec, checks, from_options, presets

if TYPE_CHECKING:
    from dnncli.cli.running.train import Training
    from dnncli.data import Dataset
    from dnncli.data.blocks.store import Store, Watch
    from dnncli.data.folds import Folds
    from dnncli.training.devices import Devices
    from dnncli.training.processes import Group
    from dnncli.training.snapshot import Snapshot


def prepare(
    run: dict[str, Any],
    resume: Path | None,
    ends: dict[str, Any],
    devices: int | str | None,
    presenter: Presenter,
    extras: outputs.Extras,
    began: float,
    group: "Group | None",
) -> "Training":
    """The training, ready to run; of several processes one alone writes files."""
    if group and not group.leads:
        extras = outputs.Extras(overwrite=False)
    extras.check()
    if resume:
        snapshot, dataset = _resume(resume, run, devices, presenter, group)
        _check_in_memory(dataset, stop_on=ends["stop_on"], devices=devices, distributed=group)
    else:
        needing = {"folds": ends["folds"], "stop_on": ends["stop_on"]}
        needing |= {"devices": devices, "distributed": group}
        snapshot, dataset = _start(from_options(presets.for_data(run)), presenter, needing)
    presenter.notices(dataset.notices)
    _check_origin(extras.save_config, snapshot)
    from dnncli.cli.running.train import Training

    keep = ends["keep"] or 1
    path = None
    if group is None or group.leads:
        path = _path(extras, f"{snapshot.spec.network.act}-{dataset.name}", keep)
    extras.keep("train", {**snapshot.spec.options(), **ends, "devices": devices})
    training = Training(presenter, snapshot, dataset, path, extras, began)
    if group is None:
        training.devices = _devices(devices)
    else:
        training.share(group)
    training.keep = keep
    if ends["save_every"] is not None:
        training.save_every = 60 * ends["save_every"]
    training.fail_on = ends["fail_on"] or ()
    training.stop_on = ends["stop_on"] or ()
    training.folds = _folds(snapshot.spec, ends["folds"])
    training.final = ends["final"]
    return training


def repeat(
    path: Path,
    name: str | None,
    devices: int | str | None,
    presenter: Presenter,
    extras: outputs.Extras,
    began: float,
) -> int:
    """Train a stored run again and compare."""
    from dnncli.experiments import verify

    extras.check()
    presenter.prepare_jax()
    repetition = verify.load(path, name)
    _check_in_memory(repetition.dataset, devices=devices)
    presenter.notices(repetition.dataset.notices)
    from dnncli.cli.running.train import Training

    training = Training(presenter, repetition.start, repetition.dataset, None, extras, began)
    training.repetition = repetition
    training.devices = _devices(devices)
    return training.run()


def _path(extras: outputs.Extras, stem: str, keep: int) -> Path:
    """Where the checkpoint goes. Raises SpecError or CheckpointError where it could not."""
    from dnncli.storage import checkpoint

    path = extras.out or checkpoint.unused_path(stem)
    for each in (path, *checkpoint.earlier(path, keep - 1)):
        checkpoint.reserve(each, extras.overwrite or not extras.out)
    return path


def _check_origin(save_config: Path | None, snapshot: "Snapshot") -> None:
    """Raise SpecError where a config is asked for that cannot give the run again."""
    if save_config and snapshot.origin:
        raise SpecError(
            "--save-config: no options give another network's layers again; keep the checkpoint.",
            option="--save-config",
        )


def _folds(spec: RunSpec, count: int | None) -> "Folds | None":
    """The folds to cross-validate on, if that was asked for."""
    if count is None:
        return None
    from dnncli.data import folds

    return folds.folds(spec.data, count)


def _devices(wanted: int | str | None) -> "Devices | None":
    """The devices that share the work; JAX is ready to be imported."""
    from dnncli.training import devices

    return devices.choose(wanted)


def _check_in_memory(dataset: "Dataset", **needing: Any) -> None:
    """Raise SpecError for options that need all examples in memory where those are on the disk."""
    from dnncli.data import on_disk

    given = [checks.option(name) for name, value in needing.items() if value]
    if dataset.stored and given:
        raise on_disk.needs_memory(given[0])


def _store(spec: RunSpec, watch: "Watch", needing: Mapping[str, Any]) -> "Store | None":
    """Where examples go that are too large for memory; None: these options need them there.

    Raises SpecError where --memory stands beside such an option.
    """
    from dnncli.data import on_disk
    from dnncli.data.blocks.store import Store, default_memory

    given = [checks.option(name) for name, value in needing.items() if value]
    if not given:
        return Store(spec.data.memory or default_memory(), watch)
    if spec.data.memory is not None:
        raise on_disk.needs_memory(given[0])
    return None


def _start(
    spec: RunSpec, presenter: Presenter, needing: Mapping[str, Any]
) -> tuple["Snapshot", "Dataset"]:
    from dnncli import data

    several = spec.network.ensemble > 1
    # Before JAX is imported: what is wrong with the data shows at once.
    with presenter.storing() as watch:
        store = _store(spec, watch, {**needing, "ensemble": several})
        dataset = data.load(spec.data, store=store)
    # What is not on the disk is the same run whatever --memory is; but a file that it allowed to
    # grow is read again only where it is allowed again.
    kept = dataset.stored or any(notice.kind == "grown" for notice in dataset.notices)
    memory = store.memory if store and kept else None
    spec = replace(spec, data=replace(spec.data, memory=memory))
    from dnncli.experiments.metrics import temperature, threshold
    from dnncli.training import ensemble, run

    temperature.check(spec, dataset)
    threshold.check(spec, dataset)
    presenter.prepare_jax()
    if spec.network.ensemble > 1:
        return ensemble.start(spec, dataset), dataset
    return run.start(spec, dataset), dataset


def _resume(
    path: Path,
    options: dict[str, Any],
    wanted: int | str | None,
    presenter: Presenter,
    group: "Group | None",
) -> tuple["Snapshot", "Dataset"]:
    from dnncli.experiments import train
    from dnncli.report import verification
    from dnncli.training.versions import differences

    presenter.prepare_jax()
    devices = group.devices if group else _devices(wanted)
    with presenter.storing() as watch:
        snapshot, dataset = train.resume(path, options, watch)
    count = devices.count if devices else 1
    changes = verification.changes(differences(snapshot.versions, count))
    if changes:
        presenter.notice(f"{path}: not all is as it was, and bytes may differ: {changes}.")
    return snapshot, dataset
