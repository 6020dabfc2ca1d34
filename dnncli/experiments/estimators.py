"""Scikit-learn's estimators: `train`'s networks behind `fit` and `predict`.

Columns are numbers, of which some may be missing (NaN); text is encoded before, in a pipeline.
Parameters are the command's options by the same names, and None is what an option is that was not
given: the preset's value or the default. `random_state` is `--seed`.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Shaped
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, column_or_1d, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from dnncli.data import arrays
from dnncli.errors import DnncliError
from dnncli.experiments import api, predict, train
from dnncli.experiments.metrics.threshold import answered
from dnncli.records import EpochRecord, Health
from dnncli.spec import Amount, RunSpec, from_options, presets, resolved
from dnncli.storage import checkpoint
from dnncli.training import placement
from dnncli.training.snapshot import Snapshot

SEEDS = 2**32  # an option --seed is less than this
OWN = ("random_state", "class_weight")  # parameters that are not options of a run


@dataclass(eq=False, repr=False, kw_only=True)
class Estimator(BaseEstimator):
    """What both estimators share: the network, its training, and what a fit leaves.

    Attributes of a fitted one: `epochs_` (a record an epoch, with every layer's figures),
    `best_epoch_`, `n_iter_` (epochs), `health_` (the verdict on its layers), `snapshot_`.
    """

    preset: str = presets.TABULAR
    hidden: Sequence[int] | None = None
    depth: int | None = None
    width: int | None = None
    act: str | None = None
    alpha: float | None = None
    init: str | None = None
    bn: bool | None = None
    bn_momentum: float | None = None
    bn_output: bool | None = None
    dropout: float | None = None
    ensemble: int | None = None
    scale: str | None = None
    loss: str | None = None
    optimizer: str | None = None
    lr: float | None = None
    momentum: float | None = None
    schedule: str | None = None
    decay_rate: float | None = None
    decay_steps: int | None = None
    warmup: float | None = None
    batch_size: int | str | None = None
    epochs: int | None = None
    l1: float | None = None
    l2: float | None = None
    weight_decay: float | None = None
    max_norm: float | None = None
    clip_value: float | None = None
    clip_norm: float | None = None
    clip_global_norm: float | None = None
    validation: Amount | None = None
    split_seed: int | None = None
    patience: int | None = None
    min_delta: float | None = None
    monitor: str | None = None
    random_state: int | np.random.RandomState | None = None

    def __sklearn_tags__(self) -> Any:
        """Rows may have missing values."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def save(self, path: str | PathLike[str], overwrite: bool = False) -> None:
        """Write the fitted network as a checkpoint, which every command of dnncli takes.

        Raises SpecError for a file that exists, CheckpointError where it cannot be written.
        """
        check_is_fitted(self)
        checkpoint.reserve(Path(path), overwrite)
        train.save(self.snapshot_, Path(path))

    def _spec(self, task: str) -> RunSpec:
        """The run that the parameters describe."""
        given = {
            field.name: _plain(getattr(self, field.name))
            for field in fields(self)
            if field.name not in OWN and getattr(self, field.name) is not None
        }
        if "threshold" in given:
            given["threshold"] = str(given["threshold"])  # auto, or a number
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(SEEDS, dtype=np.uint32)
        options = resolved({**given, "data": arrays.NAME, "task": task, "seed": int(seed)})
        return from_options(options)

    def _rows(self, x: Any, **checks: Any) -> Any:
        """Rows (with `y=` also their targets) as scikit-learn checks them, in float64."""
        return validate_data(self, x, dtype=np.float64, ensure_all_finite="allow-nan", **checks)

    def _names(self) -> Sequence[str]:
        """The columns' names; by their numbers where they have none."""
        named = getattr(self, "feature_names_in_", None)
        if named is not None:
            return [str(name) for name in named]
        return [f"column{number + 1}" for number in range(self.n_features_in_)]

    def _train(
        self,
        x: Float64[np.ndarray, "rows columns"],
        y: Shaped[np.ndarray, "rows ..."],
        classes: Sequence[str],
        targets: Sequence[str],
        weights: Float32[np.ndarray, " rows"] | None = None,
    ) -> None:
        """Train on rows that were checked, and keep what a fit leaves."""
        task = "regression" if targets else "classification"
        with _as_value_errors():
            spec = self._spec(task)
            encoding = arrays.fit(x, self._names(), classes, targets)
            dataset = arrays.dataset(spec.data, x, y, encoding, weights)
            snapshot, progress = train.trained(spec, dataset)
        self.snapshot_: Snapshot = placement.fetch(snapshot)
        self.epochs_: tuple[EpochRecord, ...] = snapshot.history.epochs
        self.best_epoch_: int = snapshot.history.best_epoch
        self.n_iter_: int = len(snapshot.history.epochs)
        self.health_: Health = train.health_of_layers(snapshot, progress, dataset)
        if progress is not None and progress.stopped == "diverged":
            cause = self.health_.findings[0]
            text = f"training diverged in {cause.layer}: {cause.evidence}; {cause.advice}."
            warnings.warn(text, ConvergenceWarning, stacklevel=3)

    def _outputs(self, x: Any) -> Float32[np.ndarray, "rows outputs"]:
        """What the network puts out for rows."""
        check_is_fitted(self)
        rows = self._rows(x, reset=False)
        encoding = self.snapshot_.data.encoding
        assert encoding is not None
        with _as_value_errors():
            features, issues = arrays.encoded(encoding, rows)
        api.warn_of_replaced(self._names(), issues)
        return np.concatenate(list(predict.outputs(self.snapshot_, [features])))


@dataclass(eq=False, repr=False, kw_only=True)
class DnnClassifier(ClassifierMixin, Estimator):
    """A deep multilayer perceptron that predicts classes.

    class_weight: as scikit-learn has it, a dictionary or "balanced". calibrate and threshold are
    the command's.
    """

    class_weight: Mapping[Any, float] | str | None = None
    calibrate: bool | None = None
    threshold: float | str | None = None

    def fit(self, X: Any, y: Any) -> "DnnClassifier":
        """Train on rows and their classes. Raises ValueError where that cannot be."""
        x, y = self._rows(X, y=y, ensure_min_samples=2)
        check_classification_targets(y)
        self.classes_, labels = np.unique(column_or_1d(y, warn=True), return_inverse=True)
        weights = None
        if self.class_weight is not None:
            weights = compute_sample_weight(self.class_weight, y).astype(np.float32)
        names = [str(name) for name in self.classes_]
        self._train(x, labels.astype(np.int32), names, (), weights)
        return self

    def predict(self, X: Any) -> Shaped[np.ndarray, " rows"]:
        """The class of each row."""
        outputs = self._outputs(X)
        return self.classes_[answered(outputs, self.snapshot_.threshold)]

    def predict_proba(self, X: Any) -> Float32[np.ndarray, "rows classes"]:
        """Every class's probability for each row, in the order of `classes_`."""
        return predict.softmax(self._outputs(X))


@dataclass(eq=False, repr=False, kw_only=True)
class DnnRegressor(RegressorMixin, Estimator):
    """A deep multilayer perceptron that predicts numbers, of one target or several."""

    def __sklearn_tags__(self) -> Any:
        """Several targets are learned at once."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any) -> "DnnRegressor":
        """Train on rows and their numbers. Raises ValueError where that cannot be."""
        x, y = self._rows(X, y=y, ensure_min_samples=2, multi_output=True, y_numeric=True)
        targets = np.asarray(y, np.float64).reshape(len(y), -1)
        names = [f"target{number + 1}" for number in range(targets.shape[1])]
        self._one_target = np.ndim(y) == 1
        self._train(x, targets, (), names)
        return self

    def predict(self, X: Any) -> Float64[np.ndarray, "rows ..."]:
        """The number of each row; of several targets a row of numbers."""
        outputs = self._outputs(X)
        numbers = self.snapshot_.data.numbers
        assert numbers is not None
        values = numbers.restore(outputs)
        return values[:, 0] if self._one_target else values


def _plain(value: Any) -> Any:
    """A parameter as Python's own number: a search may draw one of NumPy's."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | np.ndarray):
        return tuple(map(_plain, value))
    return value


@contextmanager
def _as_value_errors() -> Iterator[None]:
    """What scikit-learn's tools expect of parameters and rows that do not fit."""
    try:
        yield
    except DnncliError as error:
        raise ValueError(str(error)) from error
