"""A training that several processes share: who speaks, and how they part."""

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NoReturn

from dnncli.cli import signals
from dnncli.cli.presenter import Presenter
from dnncli.data import Dataset
from dnncli.errors import DnncliError, ExitCode, SpecError
from dnncli.report.escaping import escaped
from dnncli.spec import checks
from dnncli.spec.processes import ProcessSpec
from dnncli.training import processes
from dnncli.training.processes import Group
from dnncli.training.snapshot import Snapshot
from dnncli.training.versions import versions


def join(asked: ProcessSpec, devices: int | str | None, presenter: Presenter) -> Group:
    """Find the other processes; all but the first one are silent from then on."""
    presenter.prepare_jax()
    group = processes.join(asked, devices)
    if not group.leads:
        presenter.mute()
    return group


def check_options(given: Mapping[str, Any]) -> None:
    """Raise SpecError for options that only a single process takes; `given` are those."""
    for name, value in given.items():
        if value:
            option = checks.option(name)
            raise SpecError(
                f"{option}: several processes do not share that yet; leave it out, or train in one"
                " process with --devices.",
                option=option,
            )


def check_same(group: Group, snapshot: Snapshot, dataset: Dataset) -> None:
    """Raise DnncliError where the processes are about to train different runs.

    Raises SpecError for a run with frozen layers.
    """
    frozen = snapshot.spec.freezing.frozen(snapshot.history.epoch + 1)
    if frozen:
        raise SpecError(
            "--resume: several processes do not train a network with frozen layers yet; go on in"
            " one process.",
            option="--resume",
        )
    here = versions()
    libraries = [here[name] for name in ("dnncli", "jax", "jaxlib", "optax", "numpy")]
    options = sorted(snapshot.spec.options().items())
    group.check_same([options, dataset.fingerprint, snapshot.history.epoch, libraries])


def parted(run: Callable[[], int]) -> int:
    """The exit code of `run`, once all processes are done.

    After an error the process ends here and now: JAX's own end would wait for the others, who wait
    for this one.
    """
    try:
        code = run()
    except DnncliError as error:
        _end(error.exit_code, escaped(f"dnncli train: {error}"))
    except BrokenPipeError:
        _end(ExitCode.DONE)
    except (KeyboardInterrupt, signals.Interrupted):
        _end(ExitCode.INTERRUPTED)
    except BaseException:
        _end(ExitCode.FAILED, traceback.format_exc())
    processes.leave()
    return code


def _end(code: int, message: str = "") -> NoReturn:
    """Say it on stderr, if anything, and end the process."""
    with suppress(OSError):
        if message:
            print(message, file=sys.stderr)
        sys.stderr.flush()
        sys.stdout.flush()
    os._exit(code)
