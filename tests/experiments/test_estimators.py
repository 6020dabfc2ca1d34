"""Scikit-learn's estimators: what its own checks ask of them, and that they train as `train` does."""

import jaxtyping
import numpy as np
import pytest
import shell

import dnncli
from dnncli.errors import SpecError
from dnncli.training import compilation_cache

pytest.importorskip("sklearn")

from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import check_estimator

SMALL = {"hidden": (32,), "lr": 0.02}


@pytest.fixture(autouse=True, scope="module")
def remembered_programs():
    """Fits of alike rows share a program: it is compiled once, as with the command."""
    compilation_cache.enable()


@pytest.fixture
def unchecked():
    """Constructors take whatever they are given, as scikit-learn wants it: fits refuse it."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.filterwarnings("ignore")  # the checks try what is warned of
@pytest.mark.parametrize("kind", [dnncli.DnnClassifier, dnncli.DnnRegressor])
def test_scikit_learns_own_checks_pass(kind):
    results = check_estimator(kind(**SMALL), on_skip=None)
    assert len(results) > 40
    assert {result["status"] for result in results} <= {"passed", "skipped"}
    assert not any(result["expected_to_fail"] for result in results)


@pytest.fixture(scope="module")
def iris():
    return train_test_split(*load_iris(return_X_y=True), random_state=0, stratify=None)


def test_it_works_in_a_pipeline_and_a_grid_search(iris):
    train_x, test_x, train_y, test_y = iris
    model = make_pipeline(MinMaxScaler(), dnncli.DnnClassifier(**SMALL, random_state=0))
    search = GridSearchCV(model, {"dnnclassifier__lr": [1e-6, 0.02]}, cv=2)
    search.fit(train_x, train_y)
    assert search.best_params_ == {"dnnclassifier__lr": 0.02}
    assert search.score(test_x, test_y) > 0.9


def test_a_fit_says_what_its_layers_did_and_saves_what_the_command_reads(iris, tmp_path):
    train_x, test_x, train_y, _ = iris
    names = np.array(["setosa", "versicolor", "virginica"])
    model = dnncli.DnnClassifier(**SMALL, random_state=3).fit(train_x, names[train_y])
    assert model.health_.verdict == "healthy"
    assert len(model.epochs_) == model.n_iter_
    assert 1 <= model.best_epoch_ <= model.n_iter_
    assert {layer.layer for layer in model.epochs_[0].layers} == {"hidden1", "output"}
    model.save(tmp_path / "iris.ckpt")
    with pytest.raises(SpecError, match="exists; give --overwrite"):
        model.save(tmp_path / "iris.ckpt")
    again = dnncli.load(tmp_path / "iris.ckpt")
    assert again.predict(test_x).tolist() == model.predict(test_x).tolist()
    assert again.config["seed"] == 3


def test_a_network_is_that_of_train_on_the_same_rows(tmp_path):
    x, y = load_diabetes(return_X_y=True)
    x = x[:120] * 100
    lines = [",".join(f"{v:.17g}" for v in [*row, value]) for row, value in zip(x, y, strict=False)]
    head = ",".join([*(f"x{i}" for i in range(x.shape[1])), "y"])
    (tmp_path / "t.csv").write_text("\n".join([head, *lines[:120]]) + "\n")
    (tmp_path / "test.csv").write_text("\n".join([head, *lines[:5]]) + "\n")
    given = {**SMALL, "validation": 12, "epochs": 5}
    record = dnncli.train(
        tmp_path / "t.csv", task="regression", test=str(tmp_path / "test.csv"), types="x*=number",
        seed=7, **given,
    )  # fmt: skip
    model = dnncli.DnnRegressor(**given, random_state=7).fit(x, y[:120])
    ours = [epoch.val_loss for epoch in model.epochs_]
    np.testing.assert_allclose(ours, [epoch.val_loss for epoch in record.epochs], rtol=1e-4)


def test_a_fit_that_diverges_is_warned_of(iris):
    x, _, y, _ = iris
    with pytest.warns(ConvergenceWarning, match="training diverged in "):
        model = dnncli.DnnClassifier(**{**SMALL, "lr": 1e30}, random_state=0).fit(x, y)
    assert model.health_.verdict in ("diverged", "unstable")


def test_missing_values_are_learned_from_and_those_that_are_new_are_warned_of():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 2))
    y = (rng.random(80) < 0.5).astype(int)
    x[y == 1, 0] = np.nan  # the gap alone tells the class
    given = {**SMALL, "calibrate": True, "threshold": 0.5}
    model = dnncli.DnnClassifier(**given, random_state=0).fit(x, y)
    assert model.score(x, y) == 1
    x[0, 1] = np.nan
    with pytest.warns(UserWarning, match="1 missing in column2"):
        model.predict(x)


def test_parameters_that_make_no_run_are_value_errors_when_it_is_fitted(iris):
    x, _, y, _ = iris
    for wrong, message in [
        ({"act": "rleu"}, "did you mean 'relu'"),
        ({"lr": -1.0}, "--lr"),
        ({"validation": 500}, "at most"),
        ({"depth": 2, "hidden": (3,)}, "exclude each other"),
    ]:
        with pytest.raises(ValueError, match=message):
            dnncli.DnnClassifier(**wrong).fit(x, y)


def test_the_parameters_are_options_of_train():
    options = {
        param.opts[0].lstrip("-").replace("-", "_") for param in shell.LEAVES["train"].params
    }
    own = {"random_state"}  # the seed, by scikit-learn's name
    assert set(dnncli.DnnRegressor().get_params()) - own <= options
    assert set(dnncli.DnnClassifier().get_params()) - own <= options
