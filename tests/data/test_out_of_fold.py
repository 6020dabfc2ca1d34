"""Categories whose levels stand for their effect on the target: what a row's features may know."""

import numpy as np
import pytest

import dnncli
from dnncli.data import loading, out_of_fold
from dnncli.data.folds import Folds
from dnncli.data.grouping import Groups
from dnncli.data.source import DataSource, Table
from dnncli.data.splitting import Parts
from dnncli.data.tables import frames
from dnncli.data.tables.encoding import Column, Encoding
from dnncli.data.tables.levels import Choice
from dnncli.errors import SpecError
from dnncli.experiments import models
from dnncli.spec import DataSpec

ROWS = 240
LEVELS = 40
NAMES = tuple(f"name {i:02}" for i in range(LEVELS))


def source(index, y, groups=None, targets=("y",), classes=()):
    """Rows of a number and a name, as a table's reader gives them."""
    columns = (Column("n", "number"), Column("name", "text", NAMES, by_target=True))
    quantities = tuple(Column(name, "number") for name in targets)
    encoding = Encoding(columns, "y", classes, quantities=quantities)
    x = np.stack([np.arange(len(index)), index], axis=1).astype(np.float32)
    y = np.asarray(y)[:, None].astype(float) if targets else np.asarray(y, np.int32)
    table = Table(x, y, None, groups)
    held_out = {"validation": 20, "test": 20}
    return DataSource(
        *("t", "t", table, None, classes, None, None, False, held_out, "0"),
        encoding=encoding,
        targets=targets,
    )


def out_of_fold_effects(index, y, seed=None, groups=None):
    """Each row's effect where all rows train."""
    made = source(index, y, groups)
    parts = Parts(made.train, made.train, made.train)
    _, filled = out_of_fold.with_effects(made, parts, (), seed, own=True)
    return filled.train.x[:, 1]


def drawn(seed=0):
    """Names with effects, and targets."""
    rng = np.random.default_rng(seed)
    index = rng.integers(0, LEVELS, ROWS)
    return index, rng.normal(size=LEVELS)[index] * 3 + rng.normal(size=ROWS)


@pytest.mark.parametrize("ordered", [None, False, True])
@pytest.mark.parametrize("seed", [None, 3])
def test_a_rows_own_target_and_its_groups_never_enter_its_features(seed, ordered):
    index, y = drawn()
    of_row = np.random.default_rng(1).integers(0, ROWS // 4, ROWS)
    groups = None if ordered is None else Groups(of_row, ordered, "--group", "g")
    before = out_of_fold_effects(index, y, seed, groups)
    for row in range(0, ROWS, 20):
        others = y.copy()
        others[row] += 100
        after = out_of_fold_effects(index, others, seed, groups)
        kin = np.arange(ROWS) == row if ordered is None else of_row == of_row[row]
        np.testing.assert_array_equal(after[kin], before[kin])
        assert (after != before).mean() > 0.8


def test_random_names_say_nothing_of_random_targets():
    """In the fold they would: a level's mean holds the row's own target."""
    rng = np.random.default_rng(5)
    found = []
    for _ in range(100):
        index, y = rng.integers(0, LEVELS, ROWS), rng.normal(size=ROWS)
        x = out_of_fold_effects(index, y)
        found.append(np.vdot(x, y - y.mean()) / (np.linalg.norm(x) or 1) / np.linalg.norm(y))
    error = np.std(found) / np.sqrt(len(found))
    assert np.mean(found) < 3 * error
    assert np.mean(found) > -0.1


def test_rows_that_do_not_train_get_effects_of_all_that_do():
    index, y = drawn()
    made = source(index, y)
    train, others = made.train.take(slice(0, 200)), made.train.take(slice(200, None))
    known, parts = out_of_fold.with_effects(made, Parts(train, others, others), (), None, own=True)
    column = known.encoding.columns[1]
    counts = np.bincount(index[:200], minlength=LEVELS)
    centred = y[:200] - y[:200].mean()
    means = np.bincount(index[:200], centred, minlength=LEVELS) / np.maximum(counts, 1)
    within = np.square(centred - means[index[:200]]).sum() / (200 - (counts > 0).sum())
    usual = (200 - (counts**2).sum() / 200) / ((counts > 0).sum() - 1)
    between = ((counts * means**2).sum() / ((counts > 0).sum() - 1) - within) / usual
    expected = counts * between / (within + counts * between) * means
    np.testing.assert_allclose(column.effects[0], expected, rtol=2e-6)
    np.testing.assert_allclose(parts.test.x[:, 1], expected[index[200:]], rtol=2e-6)
    # A network that knows the effects: own rows as they were trained on, others by what is known.
    again, same = out_of_fold.with_effects(known, Parts(train, others, others), (), None, own=True)
    assert again.encoding == known.encoding
    np.testing.assert_array_equal(same.train.x, parts.train.x)
    _, new = out_of_fold.with_effects(known, Parts(train, others, others), (), None, own=False)
    np.testing.assert_allclose(new.train.x[:, 1], expected[index[:200]], rtol=2e-6)


def test_the_order_of_rows_does_not_matter_where_the_split_has_a_seed():
    index, y = drawn()
    made = source(index, y)
    order = np.random.default_rng(3).permutation(ROWS)
    found = []
    for table in (made.train, made.train.take(order)):
        _, parts = out_of_fold.with_effects(made, Parts(table, table, table), (), 2, own=True)
        found.append(parts.train.x[np.argsort(parts.train.x[:, 0])])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)


def test_every_fold_has_effects_of_its_own():
    index, y = drawn()
    tests = tuple(np.arange(ROWS)[start::3] for start in range(3))
    split = Folds(source(index, y), DataSpec(data="t.csv", scale="none"), tests)
    found = {dataset.encoding.columns[1].effects for dataset in split.datasets()}
    everything = split.everything()
    assert len({*found, everything.encoding.columns[1].effects}) == 4
    np.testing.assert_array_equal(everything.train.x, everything.validation.x)


def test_classes_have_an_effect_each_whose_names_are_theirs():
    index, y = drawn()
    labels = np.digitize(y, [-2, 2])
    made = source(index, labels, targets=(), classes=("low", "mid", "high"))
    parts = Parts(made.train, made.train, made.train)
    known, filled = out_of_fold.with_effects(made, parts, made.class_names, None, own=True)
    assert known.encoding.features[1:] == tuple(
        f"name effect on {name}" for name in ("low", "mid", "high")
    )
    np.testing.assert_allclose(filled.train.x[:, 1:].sum(axis=1), 0, atol=1e-6)
    # --classes keeps two: there is one effect then.
    two = made.train.take(np.flatnonzero(labels < 2))
    known, filled = out_of_fold.with_effects(
        made, Parts(two, two, two), ("low", "mid"), None, own=True
    )
    assert known.encoding.features[1:] == ("name effect on mid",)
    assert filled.test.x.shape[1] == 2


@pytest.mark.parametrize(
    ("different", "outputs", "expected"), [(256, 1, True), (255, 1, False), (900, 255, False)]
)
def test_auto_chooses_effects_where_there_is_no_room_for_features(different, outputs, expected):
    assert Choice("auto", outputs).by_target(different) == expected
    assert Choice("target", outputs).by_target(different)
    assert not Choice("one-hot", outputs).by_target(different)


def test_a_checkpoint_gives_the_same_features_to_new_rows(tmp_path):
    """Numbers that are categories have effects too, in whatever way they are written."""
    rng = np.random.default_rng(0)
    codes = ["1", "1.0", "0.1", "1e-1", "-3", "1e16", "10000000000000000", "1e300", "2.5", "2.50"]
    index = rng.integers(0, LEVELS, ROWS)
    labels = np.array(["low", "mid", "high"])[(rng.random(ROWS) * 2 + index / LEVELS).astype(int)]
    rows = [f"{i / 8},{NAMES[index[i]]},{codes[i % 10]},{labels[i]}" for i in range(ROWS)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["n,name,code,y", *rows]))
    options = {"hidden": (4,), "epochs": 1, "preset": "plain", "types": "code=category,n=number"}
    record = dnncli.train(path, out=tmp_path / "n.ckpt", categories="target", **options)
    assert record.config["categories"] == "target"
    assert record.data.features == 1 + 3 + 3
    snapshot, dataset = models.for_evaluation(tmp_path / "n.ckpt", {}, None, None)
    encoding = snapshot.data.encoding
    assert sorted(map(float, encoding.columns[2].levels)) == [-3, 0.1, 1, 2.5, 1e16, 1e300]
    columns = {"n": np.arange(ROWS) / 8, "name": [NAMES[i] for i in index]}
    columns["code"] = [float(codes[i % 10]) for i in range(ROWS)]
    (x,) = frames.stream(columns, encoding, np.zeros((4, 3), np.int64))
    scaled = snapshot.data.scaling.apply(x)
    by_number = {row[0]: row for row in scaled.tolist()}
    for row in np.asarray(dataset.test.x).tolist():
        assert by_number[row[0]] == row
    assert dataset.fingerprint == snapshot.data.record.fingerprint
    model = dnncli.load(tmp_path / "n.ckpt")
    with pytest.warns(UserWarning, match="replaced"):
        new = model.predict_proba({"n": [0.5, 0.5], "name": ["nobody", ""], "code": [7, 7]})
    np.testing.assert_array_equal(new[0], new[1])


def test_other_data_have_no_categories():
    with pytest.raises(SpecError, match="--categories: only tables have columns"):
        loading.load(DataSpec(data="digits", categories="target"))
