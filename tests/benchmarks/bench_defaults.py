"""The default networks on many tables, beside scikit-learn's defaults; run by hand.

    cd tests/benchmarks
    python bench_defaults.py --tables FOLDER [--only "NAME;…"] [--contenders NAME,…] > defaults.md

Needs scikit-learn, whose trees are fastest with OMP_NUM_THREADS=1 on few cores. Every contender
gets the same encoded rows and the same test rows, of a split drawn by each of three seeds. dnncli
trains on the training rows and keeps the epoch that its validation rows choose; scikit-learn's
models have no validation set and train on both. Results go to a file of JSON lines as they come
(--results); what stands there is not computed again. Tables of more than --most rows are a random
sample of that many.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dnncli.data import Dataset, loading, splitting
from dnncli.data.source import DataSource, default_size
from dnncli.experiments.metrics import classification, regression
from dnncli.experiments.metrics.held_out import test_score
from dnncli.records import Metric
from dnncli.spec import DataSpec, from_options
from dnncli.training import compilation_cache, ensemble, run

SEEDS = 3
MEMBERS = 5  # networks of an ensemble
TINY = 1e-12  # what a probability of 0 counts as in a ranking


@dataclass(frozen=True)
class Table:
    """A table: its file (or scikit-learn's name of it), and how it is read.

    chosen: whether the tabular preset was chosen by it; the others only report.
    """

    name: str
    file: str
    chosen: bool
    target: str | None = None
    task: str = "classification"


TABLES = (
    Table("wheat-seeds", "wheat-seeds.csv", True),
    Table("student-mat", "student-mat.csv", True),
    Table("hr", "hr.csv", True, target="left"),
    Table("electricity", "electricity-normalized.csv", True),
    Table("wine quality, red", "winequality-red.csv", True),
    Table("haberman", "haberman.csv", True),
    Table("adult", "adult-train.csv", False),
    Table("bank-full", "bank-full.csv", False),
    Table("banknote", "banknote_authentication.csv", False),
    Table("breast-cancer", "breast-cancer-wisconsin.csv", True),
    Table("covtype", "covtype.csv", False),
    Table("framingham", "framingham.csv", True),
    Table("new-thyroid", "new-thyroid.csv", False),
    Table("telco-churn", "telco-churn.csv", True),
    Table("wine quality, white", "winequality-white.csv", False),
    Table("wine quality, red", "winequality-red.csv", True, task="regression"),
    Table("diabetes", "load_diabetes", True, task="regression"),
    Table("smooth function", "smooth", True, task="regression"),
    Table("wine quality, white", "winequality-white.csv", False, task="regression"),
    Table("forestfires", "forestfires.csv", False, task="regression"),
)
Scores = dict[str, Metric]
Contender = Callable[[Dataset, DataSpec, int], Scores]


def write_smooth(path: Path) -> None:
    """4,000 rows of six uniform features and a smooth function of them, R² at most about 0.96."""
    rng = np.random.default_rng(1)
    x = rng.uniform(-2, 2, (4000, 6))
    smooth = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + np.exp(-(x[:, 3] ** 2)) + 0.3 * x[:, 4]
    _write(path, x, smooth + rng.normal(0, 0.3, len(x)))


def write_diabetes(path: Path) -> None:
    """scikit-learn's table of 442 patients."""
    from sklearn import datasets

    _write(path, *datasets.load_diabetes(return_X_y=True))


def _write(path: Path, x: np.ndarray, y: np.ndarray) -> None:
    names = ",".join([*(f"x{index}" for index in range(1, x.shape[1] + 1)), "y"])
    np.savetxt(path, np.c_[x, y], fmt="%.9g", delimiter=",", header=names, comments="")


MADE = {"smooth": write_smooth, "load_diabetes": write_diabetes}


def located(table: Table, folder: Path, made: Path) -> Path:
    """The table's file, written first where it is not one of the folder's."""
    if table.file not in MADE:
        return folder / table.file
    path = made / f"{table.file}.csv"
    MADE[table.file](path)
    return path


def sampled(source: DataSource, most: int) -> DataSource:
    """At most so many rows, drawn once for all seeds, with default sizes of held-out sets."""
    rows = len(source.train)
    if rows > most:
        drawn = np.sort(np.random.default_rng(0).permutation(rows)[:most])
        source = replace(source, train=source.train.take(drawn))
    count = len(source.train)
    sizes = {"validation": default_size(count, 0.1), "test": default_size(count, 0.2)}
    return replace(source, held_out=sizes)


def network(preset: str, members: int = 1) -> Contender:
    """`dnncli train` with a preset's defaults, or an ensemble of such networks."""

    def train(dataset: Dataset, spec: DataSpec, seed: int) -> Scores:
        own = {"preset": preset, "ensemble": members, "seed": seed}
        given = from_options({"task": spec.task, **own})
        kind = ensemble if members > 1 else run
        *_, last = kind.run(kind.start(given, dataset), dataset)
        score = test_score(last.snapshot, dataset)
        return dict(score.metrics)

    return train


def rows(dataset: Dataset, *names: str) -> tuple[np.ndarray, np.ndarray]:
    """Examples and targets of some splits together."""
    splits = [dataset.split(name) for name in names]
    return np.concatenate([s.x for s in splits]), np.concatenate([s.y for s in splits])


def boosted_trees(dataset: Dataset, spec: DataSpec, seed: int) -> Scores:
    """HistGradientBoosting's defaults."""
    from sklearn import ensemble

    if dataset.quantities is None:
        return classified(ensemble.HistGradientBoostingClassifier(random_state=seed), dataset)
    return predicted(ensemble.HistGradientBoostingRegressor(random_state=seed), dataset)


def perceptron(dataset: Dataset, spec: DataSpec, seed: int) -> Scores:
    """MLPClassifier's or MLPRegressor's defaults; features are standardised."""
    from sklearn import neural_network

    if dataset.quantities is None:
        return classified(neural_network.MLPClassifier(random_state=seed), dataset)
    return predicted(neural_network.MLPRegressor(random_state=seed), dataset)


def classified(model: Any, dataset: Dataset) -> Scores:
    """A classifier's scores on the test rows."""
    x, y = rows(dataset, "train", "validation")
    model.fit(x, y)
    shares = np.full((len(dataset.test), dataset.classes), TINY)
    shares[:, model.classes_] = np.maximum(model.predict_proba(dataset.test.x), TINY)
    given = classification.answers(np.log(shares), dataset.test.y, dataset.train.y, None)
    return dict(classification.metrics(given, classification.rankings(given)))


def predicted(model: Any, dataset: Dataset) -> Scores:
    """A regressor's scores on the test rows."""
    assert dataset.quantities is not None
    x, y = rows(dataset, "train", "validation")
    model.fit(x, y[:, 0])
    outputs = model.predict(dataset.test.x)[:, None]
    return dict(regression.metrics(outputs, dataset.test, dataset.quantities))


CONTENDERS: dict[str, Contender] = {
    "tabular": network("tabular"),
    "ensemble": network("tabular", MEMBERS),
    "plain": network("plain"),
    "mlp": perceptron,
    "trees": boosted_trees,
}
SCALES = {"tabular": "tabular", "ensemble": "tabular"}  # of the features; standard for the others


def compute(
    table: Table, path: Path, most: int, done: set[tuple[str, ...]], names: Sequence[str]
) -> Any:
    """Each result of a table by these contenders that is not done yet, as it comes."""
    spec = DataSpec(data=str(path), target=table.target, task=table.task)
    source = sampled(loading.read(spec), most)
    for seed in range(SEEDS):
        parts = splitting.split(source, None, None, seed)
        for name in names:
            if (table.name, table.task, str(seed), name) in done:
                continue
            own = replace(spec, scale=SCALES.get(name, "standard"))
            began = time.perf_counter()
            scores = CONTENDERS[name](loading.prepared(source, parts, own), own, seed)
            yield {
                "table": table.name,
                "task": table.task,
                "seed": seed,
                "contender": name,
                "rows": len(source.train),
                "seconds": time.perf_counter() - began,
                "scores": {metric: (s.value, s.low, s.high) for metric, s in scores.items()},
            }


def stored(path: Path) -> list[dict[str, Any]]:
    """The results that stand in the file."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def key(result: dict[str, Any]) -> tuple[str, ...]:
    """What a result is of."""
    return tuple(str(result[name]) for name in ("table", "task", "seed", "contender"))


def report(results: list[dict[str, Any]], most: int) -> None:
    """The two tables of defaults.md."""
    versions = ", ".join(f"{n} {importlib.metadata.version(n)}" for n in ("scikit-learn", "jax"))
    print("# Default networks on tables\n")
    print(
        f"`bench_defaults.py`: {SEEDS} splits and seeds, at most {most:,} rows of a table;"
        f" {versions}, Python {platform.python_version()}, {len(os.sched_getaffinity(0))} cores."
    )
    print(
        "Means over the splits. dnncli keeps a tenth of the rows for validation; scikit-learn's"
        " models train on them too. × marks tables by which the preset was chosen.\n"
    )
    _section(results, "classification", ("accuracy", "roc_auc"))
    _section(results, "regression", ("r2",))


def _section(results: list[dict[str, Any]], task: str, metrics: tuple[str, ...]) -> None:
    own = [result for result in results if result["task"] == task]
    heads = [f"{metric} {name}" for metric in metrics for name in CONTENDERS]
    print(f"| {task} | rows | {' | '.join(heads)} |")
    print(f"| --- | --- |{' --- |' * len(heads)}")
    sums: list[list[float]] = []
    for table in TABLES:
        mine = [result for result in own if result["table"] == table.name]
        if table.task != task or len(mine) < SEEDS * len(CONTENDERS):
            continue
        mark = " ×" if table.chosen else ""
        cells = [_cell(mine, metric, name) for metric in metrics for name in CONTENDERS]
        sums.append([value for value, _ in cells])
        texts = " | ".join(text for _, text in cells)
        print(f"| {table.name}{mark} | {mine[0]['rows']:,} | {texts} |")
    means = " | ".join(f"**{statistics.mean(column):.4f}**" for column in zip(*sums, strict=True))
    print(f"| **mean of {len(sums)}** | | {means} |\n")


def _cell(results: list[dict[str, Any]], metric: str, contender: str) -> tuple[float, str]:
    """A mean over the splits, and its text; of R² also the intervals' mean ends."""
    found = [r["scores"][metric] for r in results if r["contender"] == contender]
    value, low, high = (statistics.mean(column) for column in zip(*found, strict=True))
    if metric != "r2":
        return value, f"{value:.4f}"
    return value, f"{value:.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    """Compute what is missing, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", type=Path, required=True)
    parser.add_argument("--results", type=Path, default=Path("defaults.jsonl"))
    parser.add_argument("--most", type=int, default=5_000)
    parser.add_argument("--only")
    parser.add_argument("--contenders")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    compilation_cache.enable()
    names = (arguments.contenders or ",".join(CONTENDERS)).split(",")
    only = arguments.only.split(";") if arguments.only else [table.name for table in TABLES]
    with tempfile.TemporaryDirectory() as made, arguments.results.open("a") as file:
        done = set(map(key, stored(arguments.results)))
        for table in TABLES:
            if table.name not in only:
                continue
            path = located(table, arguments.tables, Path(made))
            for result in compute(table, path, arguments.most, done, names):
                print(*key(result), f"{result['seconds']:.1f} s", file=sys.stderr)
                file.write(json.dumps(result) + "\n")
                file.flush()
    report(stored(arguments.results), arguments.most)


if __name__ == "__main__":
    main()
