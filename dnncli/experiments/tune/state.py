"""A search's folder: what was tried, from which it goes on after an interrupt."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dnncli.errors import CheckpointError, SpecError
from dnncli.experiments.paired import Candidate, SeedScore
from dnncli.experiments.statistics import Paired
from dnncli.experiments.tune.run import Search, Tried
from dnncli.storage import checkpoint, files
from dnncli.storage.checkpoint import Checkpoint

# A checkpoint without tensors, so that it is written whole or not at all, and verified.
STATE = "tune.state"
KEY = "tune"


@dataclass(frozen=True)
class Stored:
    """A search as its folder has it; given: the options that were given to it."""

    given: dict[str, Any]
    seeds: int
    rounds: int
    fingerprint: str
    tried: tuple[Tried, ...]


def create(folder: Path, overwrite: bool) -> None:
    """Make the folder, or take an existing one without a search in it.

    Raises SpecError for a search that would be overwritten, CheckpointError where the folder cannot
    be made.
    """
    with files.reported(folder, "made", CheckpointError):
        folder.mkdir(parents=True, exist_ok=True)
    with files.reported(folder, "looked into", CheckpointError):
        taken = (folder / STATE).exists()
    if taken and not overwrite:
        raise SpecError(
            f"--out {folder} holds a search: go on with --resume {folder}, or --overwrite it.",
            option="--out",
        )


def save(folder: Path, search: Search, given: Mapping[str, Any]) -> None:
    """Write what was tried so far."""
    state = {
        "given": dict(given),
        "seeds": search.seeds,
        "rounds": search.rounds,
        "fingerprint": search.dataset.fingerprint,
        "tried": [asdict(tried) for tried in search.tried.values()],
    }
    # Losses may be infinite, which only Python's own JSON inside the strict one can hold.
    checkpoint.write(folder / STATE, Checkpoint({}, {KEY: json.dumps(state)}))


def load(folder: Path) -> Stored:
    """The search in a folder. Raises CheckpointError where there is none or it is damaged."""
    path = folder / STATE
    if not path.is_file():
        raise CheckpointError(
            f"--resume {folder}: there is no {STATE} in it, so no search to go on with."
        )
    try:
        state = json.loads(checkpoint.read(path).metadata[KEY])
        return Stored(
            given=_tuples(state["given"]),
            seeds=int(state["seeds"]),
            rounds=int(state["rounds"]),
            fingerprint=str(state["fingerprint"]),
            tried=tuple(_all_tried(state["tried"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is not a search's state: {error}.") from None


def restore(search: Search, stored: Stored, folder: str) -> None:
    """Let a search know what was tried. Raises SpecError where the data are others."""
    if search.dataset.fingerprint != stored.fingerprint:
        raise SpecError(
            f"--resume {folder}: the data are not those it was begun with (another fingerprint).",
            option="--resume",
        )
    search.seeds = stored.seeds
    search.rounds = stored.rounds
    search.tried = {tried.name: tried for tried in stored.tried}


def _all_tried(values: Iterable[Mapping[str, Any]]) -> Iterable[Tried]:
    """Every setting that was tried."""
    for value in values:
        candidate = value["candidate"]
        gain = None if value["gain"] is None else Paired(*value["gain"])
        yield Tried(
            candidate=Candidate(candidate["name"], _tuples(candidate["changes"])),
            point=value["point"],
            rung=int(value["rung"]),
            scores=tuple(SeedScore(*map(float, score)) for score in value["scores"]),
            diverged=int(value["diverged"]),
            gain=gain,
        )


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with tuples again, of which JSON made lists."""
    return {name: _tuple(value) for name, value in values.items()}


def _tuple(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return value
