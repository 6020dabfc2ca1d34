"""Successive halving: all candidates train a little, the better half trains on (Jamieson 2016).

Nothing here knows what a candidate is or how it trains: a `Contest` does. It is a generator of
events within a budget of seconds, so that a progress bar, Ctrl-C and JSON lines only iterate.
"""

import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

# The share of a candidate's epochs at the end of each rung. An eighth tells a network that learns
# from one that does not; the last rung is the whole run, so that finalists are as in use.
RUNGS = (1 / 8, 1 / 4, 1 / 2, 1.0)
FEWEST = 2  # candidates that a halving leaves
ALWAYS = 2  # candidates that are trained to the end of the first rung, whatever the time
# Of the budget. What has not begun by then is not tried, unless a halving needs it.
FIRST_RUNG_SHARE = 0.6

Event_co = TypeVar("Event_co", covariant=True)
Event = TypeVar("Event")
Rank = tuple[float, ...]


@runtime_checkable
class Contest(Protocol[Event_co]):
    """What halving needs to know of the candidates, by name."""

    def train(self, name: str, rung: int) -> Iterator[Event_co]:
        """Train a candidate to the end of a rung (from 1)."""

    def ready(self, name: str) -> bool:
        """Whether it can train at once, with nothing left to compile."""

    def estimate(self, name: str, rung: int) -> float:
        """Seconds that training to the end of a rung will take; 0 where nothing is known."""

    def rank(self, name: str) -> Rank:
        """A key that sorts the candidates from the best to the worst."""


@dataclass(frozen=True)
class Deadline:
    """A budget of seconds that began at a reading of the clock."""

    seconds: float
    began: float
    clock: Callable[[], float] = time.perf_counter

    @property
    def left(self) -> float:
        """Seconds that are left, at least 0."""
        return max(0.0, self.seconds - (self.clock() - self.began))


@dataclass(frozen=True)
class Halved:
    """A rung has ended.

    kept: who trains on; dropped: the worse half; skipped: who was not trained for want of time.
    """

    rung: int
    kept: tuple[str, ...]
    dropped: tuple[str, ...]
    skipped: tuple[str, ...]
    seconds_left: float


def survivors(ranks: Mapping[str, Rank], always: Collection[str]) -> tuple[str, ...]:
    """The better half of the candidates, and those of `always` besides them, in their order.

    ranks: lower is better; of equals the first is the better one.
    """
    others = sorted((name for name in ranks if name not in always), key=ranks.__getitem__)
    better = others[: max(FEWEST, math.ceil(len(others) / 2))]
    return tuple(name for name in ranks if name in always or name in better)


def halving(
    names: Sequence[str], contest: Contest[Event], deadline: Deadline, always: int = 1
) -> Iterator[Event | Halved]:
    """Train the candidates rung by rung, each time only the better half and the first ones.

    names: the first is the untreated run, which the others are compared with: it is trained before
    them. always: how many of the first are trained on however they do. Yields the events of their
    training and `Halved` after every rung; ends after the last rung or where the deadline does not
    allow another one.
    """
    running = tuple(names)
    for rung in range(1, len(RUNGS) + 1):
        done: list[str] = []
        yield from _rung(running, rung, contest, deadline, done)
        # In the order of the candidates, and not in that of their compilation.
        trained = tuple(name for name in running if name in done)
        skipped = tuple(name for name in running if name not in done)
        kept = trained
        if rung < len(RUNGS) and len(trained) > 1:
            ranks = {name: contest.rank(name) for name in trained}
            kept = survivors(ranks, names[:always])
        dropped = tuple(name for name in trained if name not in kept)
        yield Halved(rung, kept, dropped, skipped, deadline.left)
        running = kept
        if len(running) < 2 or deadline.left <= 0:
            return


def _rung(
    names: Sequence[str], rung: int, contest: Contest[Event], deadline: Deadline, done: list[str]
) -> Iterator[Event]:
    """Train each candidate to the end of a rung while there is time, and add its name to `done`.

    The first two, the untreated run and the remedy that the diagnosis puts first, are trained in
    any case: without them nothing could be said. Others go as soon as their program is compiled.
    """
    later_rungs = (1 - FIRST_RUNG_SHARE) * deadline.seconds if rung == 1 else 0.0
    waiting = list(names)
    while waiting:
        name = waiting[0]
        if done:
            name = next(filter(contest.ready, waiting), name)
        waiting.remove(name)
        left = deadline.left
        if len(done) > FEWEST:
            left -= later_rungs
        first = rung == 1 and name in names[:ALWAYS]
        if first or not done or (left > 0 and contest.estimate(name, rung) <= left):
            yield from contest.train(name, rung)
            done.append(name)
