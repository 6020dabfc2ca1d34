"""Proposals by Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), asked and told.

Optuna runs nothing here: it only proposes points of the space and learns what became of them.
"""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dnncli.errors import DnncliError
from dnncli.spec.tuning import Choice, Point, Range

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

ATTEMPTS = 20  # to find points that were not proposed before


@dataclass(frozen=True)
class Told:
    """What became of a point: its score at the end of a rung, the last one or not."""

    point: Point
    score: float
    rung: int
    last: bool


def check_installed() -> None:
    """Raise DnncliError where Optuna is not installed."""
    if importlib.util.find_spec("optuna") is None:
        raise DnncliError("tune needs one more package: pip install 'dnncli[tune]'.")


class Sampler:
    """Points of a space, the better the more it has been told."""

    def __init__(self, space: Mapping[str, Choice | Range], first: int, seed: int) -> None:
        """first: how many points are drawn at random before any is proposed by what is known."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._optuna: Any = optuna
        self._space = {name: self._distribution(values) for name, values in space.items()}
        sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, n_startup_trials=first)
        self._study: Any = optuna.create_study(direction="maximize", sampler=sampler)
        self._asked: set[tuple[Any, ...]] = set()

    def _distribution(self, values: Choice | Range) -> "BaseDistribution":
        """A dimension as Optuna has it."""
        distributions = self._optuna.distributions
        if isinstance(values, Range):
            return distributions.FloatDistribution(values.low, values.high, log=True)
        return distributions.CategoricalDistribution(values.values)

    def ask(self, count: int) -> list[Point]:
        """At most so many points that were not asked for before; fewer where there are no more."""
        points: list[Point] = []
        for _ in range(count + ATTEMPTS):
            trial = self._study.ask(self._space)
            # It counts from `tell` on, which may be that of an earlier search's points.
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
            if self._is_new(trial.params):
                points.append(dict(trial.params))
            if len(points) == count:
                break
        return points

    def _is_new(self, point: Point) -> bool:
        """Whether a point is seen for the first time."""
        key = tuple(point[name] for name in self._space)
        if key in self._asked:
            return False
        self._asked.add(key)
        return True

    def tell(self, results: Sequence[Told]) -> None:
        """What became of points, also of those of an earlier search."""
        states = self._optuna.trial.TrialState
        for told in results:
            self._is_new(told.point)
            state = states.COMPLETE if told.last else states.PRUNED
            found = self._optuna.trial.create_trial(
                params=dict(told.point),
                distributions=self._space,
                value=told.score,
                intermediate_values={told.rung: told.score},
                state=state,
            )
            self._study.add_trial(found)
