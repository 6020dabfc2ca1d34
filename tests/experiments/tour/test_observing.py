"""What stations observe, held against the figures of real runs and of runs that contradict them.

Commands run once, with as little training as they can have. What an observation claims is worked out
again from the JSON that scripts read.
"""

import contextlib
import io
import itertools
import math
import os
import re
import shlex
import string
from dataclasses import replace

import numpy as np
import pytest
from shell import LEAVES

from dnncli.cli import program
from dnncli.experiments.comparison import speed
from dnncli.experiments.tour import layer_sizes
from dnncli.experiments.tour.observing import OBSERVE
from dnncli.records import Difference, tour
from dnncli.report import sentences, structured
from dnncli.spec.tour import FULL, LANGUAGES, QUICK, STATIONS, Budget
from dnncli.training import seeds

TINY = Budget(seeds=2, share=0.1)
pytestmark = pytest.mark.usefixtures("quick_compilation")


def commanded(lines, folder):
    """The records of command lines that run in a folder."""
    nowhere = io.StringIO()
    quiet = (contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere))
    with contextlib.chdir(folder), quiet[0], quiet[1]:
        return [program.invoke(shlex.split(line)[1:])[1] for line in lines]


# What makes programs of stations alike, so that they are compiled once.
ALIKE = (
    ("--depth (10|4|5)", "--depth 3"),
    ("--batch-size 130 ", ""),
    ("--hidden 400,100,400,100,400,100,400", "--hidden 300,75,300"),
    ("train (?=--depth 3 --epochs)", "train --act relu --optimizer sgd "),
    ("--clip-norm 0.3", "--clip-global-norm 10"),
    ("--acts sigmoid,tanh,relu,elu", "--acts sigmoid,relu"),
)


def tiny(name):
    """A station's command lines as they run here."""
    lines = "\n".join(STATIONS[name].commands(TINY))
    for pattern, other in ALIKE:
        lines = re.sub(pattern, other, lines)
    return lines.splitlines()


class Lazily(dict):
    """Values by station, each made when it is first asked for: no test waits for all of them."""

    def __init__(self, make):
        self.make = make

    def __missing__(self, name):
        self[name] = self.make(name)
        return self[name]


@pytest.fixture(scope="module")
def runs(tmp_path_factory, quick_compilation):
    """The stations' records."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DNNCLI_VANISHING_DEMO_DEPTH", "10")
        patch.setenv("DNNCLI_COMPARE_ACTIVATIONS_HIDDEN", "16")
        patch.setattr(seeds, "COMPILER_OPTIONS", {})  # the quick ones
        patch.setattr(speed, "MOST_ROUNDS", 1)
        yield Lazily(lambda name: commanded(tiny(name), tmp_path_factory.mktemp(name)))


@pytest.fixture(scope="module")
def seen(runs):
    """The stations' observations."""
    return Lazily(lambda name: list(OBSERVE[name](runs[name])))


def found(name, records, kind):
    """The one observation of a kind that a station makes of records."""
    (observation,) = [made for made in OBSERVE[name](records) if isinstance(made, kind)]
    return observation


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", STATIONS)
def test_every_station_runs_and_each_sentence_holds_the_figures_of_its_run(name, lang, seen):
    spoken = sentences.language(lang)
    assert seen[name]
    for observation in seen[name]:
        told = sentences.told(observation, spoken)
        which = "shown" if observation.shown else "otherwise"
        template = spoken.observations[told.observation][which]
        pattern = ""
        for text, field, form, _ in string.Formatter().parse(template):
            pattern += re.escape(text)
            if field:
                pattern += re.escape(sentences.FORMATS[form](getattr(observation, field)))
        assert re.fullmatch(pattern, told.sentence)
        assert "nan" not in told.sentence


def accuracies(document, act):
    """Test accuracies of an activation's seeds, from the JSON."""
    (row,) = [row for row in document["rows"] if row["act"] == act]
    return np.array([run["test_accuracy"] for run in row["runs"]])


def test_what_comparisons_show_is_in_their_json(runs, seen):
    (document,) = documents(runs["activations"])
    rows = {row["act"]: row for row in document["rows"]}
    means = found("activations", runs["activations"], tour.MeanNearerZero)
    assert (means.elu, means.relu) == (
        rows["elu"]["activation_mean"],
        rows["relu"]["activation_mean"],
    )
    ahead = [made for made in seen["activations"] if isinstance(made, tour.SwishAgainst)]
    for made in ahead:
        gains = accuracies(document, "swish") - accuracies(document, made.rival)
        assert made.difference == pytest.approx(100 * gains.mean())
        assert made.shown == (made.low > 0)
    (document,) = documents(runs["early-stopping"])
    better = found("early-stopping", runs["early-stopping"], tour.BetterThanSigmoid)
    gains = accuracies(document, "relu") - accuracies(document, "sigmoid")
    assert better.difference == pytest.approx(100 * gains.mean())
    stopped = found("early-stopping", runs["early-stopping"], tour.StoppedEarly)
    ends = [run["stopped"] for row in document["rows"] for run in row["runs"]]
    assert (stopped.stopped, stopped.runs) == (ends.count("patience"), 4)
    (document,) = documents(runs["elu"])
    rows = {row["act"]: row for row in document["rows"]}
    slower = found("elu", runs["elu"], tour.SlowerToTrain)
    assert slower.factor == pytest.approx(
        rows["elu"]["seconds_per_epoch"] / rows["relu"]["seconds_per_epoch"]
    )


def test_what_reuse_shows_is_in_its_json(runs):
    _, trained, frozen = documents(runs["reuse"])
    helps = found("reuse", runs["reuse"], tour.ReuseHelps)
    means = [
        np.mean([run["test"]["accuracy"] for run in one["seeds"]]) for one in (trained, frozen)
    ]
    assert helps.reused == pytest.approx(means[0])
    assert helps.shown == (trained["difference"]["low"] > 0)
    enough = found("reuse", runs["reuse"], tour.FrozenIsNotEnough)
    assert (enough.trained, enough.frozen) == (pytest.approx(means[0]), pytest.approx(means[1]))
    assert enough.shown == (means[1] < means[0])


def documents(records):
    return [structured.document("", record) for record in records]


def ratio(layers):
    return layers[0]["delta_rms"] / layers[-2]["delta_rms"]


def test_the_gradient_shrinks_as_its_layers_say(runs):
    (demo,) = documents(runs["vanishing"])
    case = demo["cases"][0]
    observation = found("vanishing", runs["vanishing"], tour.GradientShrinks)
    assert observation.ratio == case["delta_ratio"] < 0.1
    assert observation.shown
    assert observation.per_layer ** (case["depth"] - 1) == pytest.approx(case["delta_ratio"])
    # theory's factor a layer is the square root of chi, away from the first layers
    assert observation.predicted_per_layer == pytest.approx(math.sqrt(case["chi"]), rel=0.03)


def test_the_bound_holds_in_every_layer_and_the_nearest_is_named(runs):
    (demo,) = documents(runs["vanishing"])
    shares = {
        layer["layer"]: layer["delta_rms"] / layer["bound"]
        for layer in demo["cases"][0]["layers"][:-1]
    }
    observation = found("vanishing", runs["vanishing"], tour.WithinBound)
    assert observation.shown
    assert observation.layer == max(shares, key=shares.get)
    assert observation.delta / observation.bound == pytest.approx(max(shares.values()))


def test_a_critical_sigmoid_does_not_shrink(runs, tmp_path):
    line = "dnncli vanishing-demo --cases sigmoid:critical --seeds 2 --depth 10"
    observation = found("vanishing", commanded([line], tmp_path), tour.GradientShrinks)
    assert not observation.shown
    assert observation.ratio > 0.1


def test_a_layer_above_its_bound_is_told(runs):
    (demo,) = runs["vanishing"]
    case = demo.cases[0]
    layers = (replace(case.layers[0], delta_rms=2 * case.layers[0].bound), *case.layers[1:])
    above = replace(demo, cases=(replace(case, layers=layers),))
    observation = found("vanishing", [above], tour.WithinBound)
    assert (observation.shown, observation.layer) == (False, "hidden1")


def test_flat_units_are_those_of_the_flattest_layer(runs, tmp_path):
    (run,) = documents(runs["saturation"])
    shares = {layer["layer"]: layer["saturated_fraction"] for layer in run["initial"][:-1]}
    observation = found("saturation", runs["saturation"], tour.UnitsAreFlat)
    assert observation.shown
    assert (observation.layer, observation.share) == max(shares.items(), key=lambda pair: pair[1])
    ended = {layer["layer"]: layer for layer in run["epochs"][-1]["layers"]}
    stays = found("saturation", runs["saturation"], tour.StaysFlat)
    assert stays.after == ended[observation.layer]["saturated_fraction"]
    assert stays.shown == (stays.after >= observation.share / 2)


def test_a_run_of_xavier_is_not_called_saturated(runs, tmp_path):
    lines = [line.replace("--init normal", "--init xavier") for line in tiny("saturation")]
    records = commanded(lines, tmp_path)
    assert not found("saturation", records, tour.UnitsAreFlat).shown
    (run,) = runs["saturation"]
    last = run.epochs[-1]
    freed = tuple(replace(layer, saturated_fraction=0.0) for layer in last.layers)
    mended = replace(run, epochs=(*run.epochs[:-1], replace(last, layers=freed)))
    assert not found("saturation", [mended], tour.StaysFlat).shown


def test_the_exploding_run_breaks_where_its_steps_end(runs):
    wild, stored, clipped, mended = documents(runs["exploding"])
    assert wild["stopped"] == "diverged"
    breaks = found("exploding", runs["exploding"], tour.RunBreaks)
    last = stored["steps"][-1]
    assert (breaks.shown, breaks.epoch, breaks.step) == (True, last["epoch"], last["step"])
    explodes = found("exploding", runs["exploding"], tour.GradientExplodes)
    assert explodes.shown
    # sqrt(100 / 2) = 7.07 a layer from hidden3 to hidden1, for networks without bound
    assert math.log(explodes.ratio, math.sqrt(50)) == pytest.approx(2, abs=0.5)
    assert explodes.ratio == pytest.approx(ratio(clipped["initial"]))
    for run, kind in ((clipped, tour.ClippingSaves), (mended, tour.InitialisationSaves)):
        saves = found("exploding", runs["exploding"], kind)
        metric = run["test"]["metrics"]["accuracy"]
        assert saves.accuracy == pytest.approx(run["test"]["accuracy"])
        assert saves.shown == (run["stopped"] != "diverged" and metric["low"] > metric["baseline"])


def test_what_does_not_explode_or_is_not_saved_is_told(runs):
    wild, stored, clipped, mended = runs["exploding"]
    healthy = [mended, stored, replace(clipped, initial=mended.initial), mended]
    assert not found("exploding", healthy, tour.RunBreaks).shown
    assert not found("exploding", healthy, tour.GradientExplodes).shown
    lost = replace(clipped, stopped="diverged")
    assert not found("exploding", [wild, stored, lost, mended], tour.ClippingSaves).shown
    assert not found("exploding", [wild, stored, clipped, wild], tour.InitialisationSaves).shown


def test_variances_are_those_of_glorot_and_he(runs, seen):
    demo = documents(runs["initialisation"])[0]
    deviations = {}
    for case in demo["cases"]:
        variance = case["layers"][0]["weight_norm"] ** 2 / (64 * 100)
        formula = 2 / 164 if case["init"].startswith("xavier") else 2 / 64
        deviations[case["init"]] = abs(variance / formula - 1)
    observation = found("initialisation", runs["initialisation"], tour.VarianceAsPublished)
    assert observation.shown == (max(deviations.values()) < 0.05)
    assert deviations[observation.init] == max(deviations.values())


def test_signals_are_followed_both_ways(runs, seen):
    demo = documents(runs["initialisation"])[0]
    both = [made for made in seen["initialisation"] if isinstance(made, tour.BothWays)]
    assert {made.case: made.shown for made in both} == {
        "tanh:xavier": True,
        "tanh:xavier-uniform": True,
        "relu:he": True,
        "relu:he-uniform": True,
        "relu:xavier": False,  # halved in every layer
    }
    for made, case in zip(both, demo["cases"], strict=True):
        first = case["layers"][0]
        last = case["layers"][-2]
        sizes = [
            layer["activation_mean"] ** 2 + layer["activation_std"] ** 2 for layer in (last, first)
        ]
        assert made.forward == pytest.approx(math.sqrt(sizes[0] / sizes[1]))
        assert made.backward == case["delta_ratio"]


def test_a_variance_far_from_its_formula_is_told(runs):
    demo, *unequal_runs = runs["initialisation"]
    first, *others = demo.cases
    wrong = replace(first.layers[0], weight_norm=1.1 * first.layers[0].weight_norm)
    cases = (replace(first, layers=(wrong, *first.layers[1:])), *others)
    observation = found(
        "initialisation", [replace(demo, cases=cases), *unequal_runs], tour.VarianceAsPublished
    )
    assert (observation.shown, observation.init) == (False, first.init)


def unequal(runs, place):
    """The hidden layers' sizes, mean squares of outputs and of δ, from the JSON."""
    document = documents(runs["initialisation"])[place]
    hidden = document["initial"][:-1]
    squares = [layer["activation_mean"] ** 2 + layer["activation_std"] ** 2 for layer in hidden]
    return document["config"]["hidden"], squares, [layer["delta_rms"] ** 2 for layer in hidden]


@pytest.mark.parametrize(("place", "act"), [(1, "identity"), (2, "relu")])
def test_unequal_layers_are_held_against_the_formulas(place, act, runs, seen):
    sizes, squares, deltas = unequal(runs, place)
    assert len(set(sizes)) > 1
    made = [told for told in seen["initialisation"] if isinstance(told, tour.UnequalLayers)]
    (told,) = [told for told in made if told.act == act]
    assert told.forward == pytest.approx([squares[1] / squares[0], squares[2] / squares[1]])
    assert told.backward == pytest.approx([deltas[0] / deltas[1], deltas[1] / deltas[2]])
    steps = list(itertools.pairwise(sizes))
    if act == "identity":  # Xavier
        assert told.forward_formula == pytest.approx([2 * n / (n + m) for n, m in steps])
        assert told.backward_formula == pytest.approx([2 * m / (n + m) for n, m in steps])
    else:
        assert told.forward_formula == pytest.approx([1, 1])
        assert told.backward_formula == pytest.approx([m / n for n, m in steps])
    assert told.shown


def test_what_xavier_and_he_keep_is_told_over_all_steps(runs):
    sizes, squares, deltas = unequal(runs, 1)
    told = found("initialisation", runs["initialisation"], tour.XavierCompromises)
    assert told.forward == pytest.approx(squares[-1] / squares[0])
    assert told.backward == pytest.approx(deltas[0] / deltas[-1])
    assert told.formula == pytest.approx(4 * 300 * 75 / 375**2)  # 4ab/(a + b)²
    assert told.steps == 2
    sizes, squares, deltas = unequal(runs, 2)
    told = found("initialisation", runs["initialisation"], tour.HeKeepsForwards)
    assert told.formula == sizes[-1] / sizes[0] == 1
    assert told.backward == pytest.approx(deltas[0] / deltas[-1])
    assert told.shown


@pytest.mark.parametrize("act", ["identity", "relu"])
def test_the_formulas_are_means_over_weights(act):
    """Drawn by NumPy in float64: outputs through W, and δ through its transpose, many times."""
    rng = np.random.default_rng(0)
    n, m = (60, 20)
    for init, variance in (("xavier-normal", 2 / (n + m)), ("he-normal", 2 / n)):
        assert layer_sizes.published(init, n, m) == pytest.approx(variance)
        w = rng.standard_normal((1500, m, n)) * math.sqrt(variance)
        a = np.abs(rng.standard_normal(n))
        z = w @ a
        slope = np.ones_like(z) if act == "identity" else (z > 0).astype(float)
        down = np.einsum("kmn,km->kn", w, slope * rng.standard_normal(m))
        forward = np.mean((slope * z) ** 2) / np.mean(a**2)
        gain = layer_sizes.GAIN[act] * variance
        assert forward == pytest.approx(n * gain, rel=0.05)
        assert np.mean(down**2) == pytest.approx(m * gain * 1.0, rel=0.35)


def test_layers_that_contradict_the_formulas_are_told(runs):
    demo, xavier, he = runs["initialisation"]
    for place, kinds in (
        (1, (tour.XavierCompromises, tour.UnequalLayers)),
        (2, (tour.HeKeepsForwards, tour.UnequalLayers)),
    ):
        run = (demo, xavier, he)[place]
        first, *others = run.initial
        louder = replace(first, delta_rms=3 * first.delta_rms)
        records = [demo, xavier, he]
        records[place] = replace(run, initial=(louder, *others))
        made = [told for told in OBSERVE["initialisation"](records) if isinstance(told, kinds)]
        told = [one for one in made if getattr(one, "act", run.config["act"]) == run.config["act"]]
        assert len(told) == 2
        assert not any(one.shown for one in told)


def test_batch_norm_is_held_against_the_run_without_it(runs):
    plain, normed = documents(runs["batch-norm"])[:2]
    levels = found("batch-norm", runs["batch-norm"], tour.NormLevels)
    assert levels.shown
    assert levels.plain == pytest.approx(ratio(plain["initial"]))
    assert levels.normed == pytest.approx(ratio(normed["initial"]))
    turned = [*runs["batch-norm"][1::-1], *runs["batch-norm"][2:]]
    assert not found("batch-norm", turned, tour.NormLevels).shown
    learns = found("batch-norm", runs["batch-norm"], tour.NormLearns)
    metrics = [run["test"]["metrics"]["accuracy"] for run in (plain, normed)]
    assert learns.shown == (metrics[1]["low"] > metrics[0]["high"])
    assert not found("batch-norm", turned, tour.NormLearns).shown
    training = found("batch-norm", runs["batch-norm"], tour.TrainingLevels)
    ends = [ratio(normed["initial"]), ratio(normed["epochs"][-1]["layers"])]
    assert (training.before, training.after) == (pytest.approx(ends[0]), pytest.approx(ends[1]))
    assert training.shown == (abs(math.log(ends[1])) < abs(math.log(ends[0])))


def test_the_level_after_some_steps_is_that_of_the_stored_network(runs):
    ten, stored = documents(runs["batch-norm"])[2:4]
    told = found("batch-norm", runs["batch-norm"], tour.LevelAfterSteps)
    ends = [ratio(ten["initial"]), ratio(stored["layers"])]
    assert (told.before, told.after) == (pytest.approx(ends[0]), pytest.approx(ends[1]))
    assert told.shown == (abs(math.log(ends[1])) < abs(math.log(ends[0])))
    assert told.steps == 21  # 1,297 examples in batches of 64
    records = list(runs["batch-norm"])
    records[3] = replace(records[3], layers=records[2].initial)
    assert not found("batch-norm", records, tour.LevelAfterSteps).shown


def scored(run, value, low, high):
    """A run with this test accuracy."""
    metric = replace(run.test.metrics["accuracy"], value=value, low=low, high=high)
    return replace(run, test=replace(run.test, metrics={"accuracy": metric}))


@pytest.mark.parametrize(
    ("plain", "normed", "shown"),
    [
        ((0.1, 0.07, 0.14), (0.96, 0.93, 0.98), True),
        ((0.9, 0.86, 0.92), (0.97, 0.94, 0.99), True),
        ((0.95, 0.92, 0.97), (0.97, 0.94, 0.99), False),
        ((0.1, 0.07, 0.14), (0.1, 0.07, 0.14), False),
    ],
)
def test_a_larger_rate_is_one_that_only_works_with_it(plain, normed, shown, runs):
    records = list(runs["batch-norm"])
    calm = replace(records[4], stopped="epochs")
    records[4] = scored(calm, *plain)
    records[5] = scored(replace(records[5], stopped="epochs"), *normed)
    told = found("batch-norm", records, tour.LargerRate)
    assert (told.rate, told.plain, told.normed) == (1.0, plain[0], normed[0])
    assert told.shown == shown


def test_the_smoother_loss_is_that_of_both_commands(runs):
    plain, normed = (document["along_gradient"] for document in documents(runs["batch-norm"])[8:])
    told = found("batch-norm", runs["batch-norm"], tour.SmootherLoss)
    assert told.plain == pytest.approx(plain["loss_high"] - plain["loss_low"])
    assert told.normed == pytest.approx(normed["loss_high"] - normed["loss_low"])
    assert (told.plain_change, told.normed_change) == (
        plain["gradient_change"],
        normed["gradient_change"],
    )
    assert (told.plain_smoothness, told.normed_smoothness) == (
        plain["smoothness"],
        normed["smoothness"],
    )
    narrower = told.normed < told.plain
    assert told.shown == (narrower and told.normed_change < told.plain_change)
    records = list(runs["batch-norm"])
    records[8:] = records[:7:-1]
    turned = found("batch-norm", records, tour.SmootherLoss)
    assert not (told.shown and turned.shown)


def test_training_that_levels_and_training_that_does_not_are_told_apart(runs):
    plain, normed, *others = runs["batch-norm"]
    last = normed.epochs[-1]
    for factor, expected in ((1.0, True), (1e6, False)):
        bottom = replace(last.layers[0], delta_rms=factor * last.layers[-2].delta_rms)
        ended = replace(last, layers=(bottom, *last.layers[1:]))
        run = replace(normed, epochs=(*normed.epochs[:-1], ended))
        assert found("batch-norm", [plain, run, *others], tour.TrainingLevels).shown == expected


def test_the_variance_is_off_by_the_batches_size(runs):
    _, measured = documents(runs["moving-variance"])
    first = measured["bn"]["layers"][0]
    told = found("moving-variance", runs["moving-variance"], tour.VarianceOff)
    assert told.shown
    assert (told.ratio, told.batch) == (first["batch_variance"], 8)
    # 162 batches of 8 keep 7/8 each; the last one has one example and no variance.
    assert told.expected == pytest.approx(162 * 8 / 1297 * 7 / 8)
    assert told.ratio == pytest.approx(told.expected, abs=0.02)
    assert told.corrected == pytest.approx(1, abs=0.02)
    last = found("moving-variance", runs["moving-variance"], tour.LastBatchCounts)
    assert (last.last, last.moving) == (1, first["moving_variance"])
    assert last.weight == pytest.approx(0.1)
    assert last.expected == pytest.approx(0.9 * 7 / 8)
    assert last.shown == (last.moving < 0.98 * last.average)
    agree = found("moving-variance", runs["moving-variance"], tour.MeansAgree)
    assert agree.off == max(layer["batch_mean"] for layer in measured["bn"]["layers"])
    assert agree.shown == (agree.off < 0.05)
    price = found("moving-variance", runs["moving-variance"], tour.PriceOfVariance)
    scores = measured["bn"]["scores"]
    assert price.moving == scores["moving"]["test"]["accuracy"]
    assert price.shown == (price.moving != scores["population"]["test"]["accuracy"])


def test_statistics_that_agree_are_told(runs):
    run, measured = runs["moving-variance"]
    layers = tuple(
        replace(layer, batch_variance=1.001, moving_variance=1.0, batch_mean=0.2)
        for layer in measured.bn.layers
    )
    exact = measured.bn.scores["population"]
    bn = replace(measured.bn, layers=layers, scores={**measured.bn.scores, "moving": exact})
    records = [run, replace(measured, bn=bn)]
    kinds = (tour.VarianceOff, tour.LastBatchCounts, tour.MeansAgree, tour.PriceOfVariance)
    for kind in kinds:
        assert not found("moving-variance", records, kind).shown


def test_clipping_is_told_by_layer_and_by_epoch(runs):
    wild, clipped, *calm = runs["clipping"]
    assert found("clipping", [wild, clipped, *calm], tour.RunBreaks).shown == (
        wild.stopped == "diverged"
    )
    _, document = documents([wild, clipped])
    shares = {}
    for layers in zip(*(epoch["layers"] for epoch in document["epochs"]), strict=True):
        shares[layers[0]["layer"]] = np.mean([layer["clipped_fraction"] for layer in layers])
    told = found("clipping", [wild, clipped, *calm], tour.ClippedLayers)
    assert told.most_share == pytest.approx(max(shares.values()))
    assert told.least_share == pytest.approx(min(shares.values()))
    assert told.shown == (max(shares.values()) > min(shares.values()))
    first = clipped.epochs[0]
    for share, expected in ((0.0, True), (1.0, False)):
        layers = tuple(replace(layer, clipped_fraction=share) for layer in first.layers)
        last = replace(first, clipped_fraction=share, layers=layers)
        run = replace(clipped, epochs=(replace(first, clipped_fraction=0.5), last))
        fades = found("clipping", [wild, run, *calm], tour.ClippingFades)
        assert (fades.shown, fades.first, fades.last) == (expected, 0.5, share)
    same = replace(clipped, epochs=(last,))
    assert not found("clipping", [wild, same, *calm], tour.ClippedLayers).shown


def test_clipping_that_slows_is_told_by_both_losses(runs):
    wild, clipped, calm, slowed = runs["clipping"]
    told = found("clipping", runs["clipping"], tour.ClippingSlows)
    losses = [run.epochs[-1].train_loss for run in (calm, slowed)]
    assert (told.plain, told.slowed, told.rate) == (*losses, 0.1)
    learns = calm.test.metrics["accuracy"].low > calm.test.metrics["accuracy"].baseline
    assert told.shown == (learns and losses[1] > losses[0])
    good = scored(calm, 0.95, 0.92, 0.97)
    for factor, shown in ((2.0, True), (0.5, False)):
        last = replace(slowed.epochs[-1], train_loss=factor * losses[0])
        records = [wild, clipped, good, replace(slowed, epochs=(last,))]
        assert found("clipping", records, tour.ClippingSlows).shown == shown
    lost = replace(good, stopped="diverged")
    assert not found("clipping", [wild, clipped, lost, slowed], tour.ClippingSlows).shown


def test_a_restored_run_is_compared_with_its_own_first_epoch(runs):
    first, more = documents(runs["resume"])
    told = found("resume", runs["resume"], tour.HighFromFirst)
    accuracies = [epoch["val_accuracy"] for epoch in more["epochs"]]
    done = len(first["epochs"])
    assert accuracies[:done] == [epoch["val_accuracy"] for epoch in first["epochs"]]
    assert (told.fresh, told.before, told.resumed) == (
        accuracies[0],
        accuracies[done - 1],
        accuracies[done],
    )
    assert told.shown == (accuracies[done] > accuracies[0])
    turned = replace(runs["resume"][1], epochs=runs["resume"][1].epochs[::-1])
    worse = found("resume", [runs["resume"][0], turned], tour.HighFromFirst)
    assert worse.shown == (turned.epochs[done].val_accuracy > accuracies[0])


def test_names_are_those_that_were_listed(runs):
    _, stored, transferred = runs["names"]
    told = found("names", runs["names"], tour.NamesAreTaken)
    assert (told.shown, told.listed, told.kept) == (
        True,
        "hidden1, hidden2, hidden3, output",
        "hidden1, hidden2",
    )
    assert told.tensors == 8  # a kernel and a bias each
    other = replace(transferred, kept=("hidden9",))
    assert not found("names", [None, stored, other], tour.NamesAreTaken).shown


def reused(record, *accuracies, difference=0.0, low=0.0, frozen=()):
    """A transfer whose seeds have these test accuracies."""
    (run,) = record.seeds
    runs = tuple(replace(run, test=replace(run.test, accuracy=value)) for value in accuracies)
    gain = Difference(difference, low, 2 * difference - low, None, len(accuracies))
    return replace(record, seeds=runs, difference=gain, frozen=frozen)


def test_reuse_is_a_paired_difference(runs):
    transferred = runs["names"][2]
    trained = reused(transferred, 0.7, 0.8, difference=0.1, low=0.02)
    frozen = reused(transferred, 0.4, 0.6, frozen=("hidden1", "hidden2"))
    told = found("reuse", [None, trained, frozen], tour.ReuseHelps)
    assert told.shown
    assert told.reused == pytest.approx(0.75)
    assert told.scratch == pytest.approx(0.65)
    assert told.difference == pytest.approx(10)
    assert (told.low, told.high) == (pytest.approx(2), pytest.approx(18))
    assert (told.seeds, told.examples) == (2, transferred.data.train)
    held = found("reuse", [None, trained, frozen], tour.FrozenIsNotEnough)
    assert held.shown
    assert (held.frozen, held.trained) == (pytest.approx(0.5), pytest.approx(0.75))
    assert held.layers == "hidden1, hidden2"


def test_reuse_that_does_not_help_is_told(runs):
    transferred = runs["names"][2]
    lost = reused(transferred, 0.7, 0.8, difference=0.1, low=-0.02)
    assert not found("reuse", [None, lost, lost], tour.ReuseHelps).shown
    assert not found("reuse", [None, lost, lost], tour.FrozenIsNotEnough).shown


@pytest.mark.parametrize(("budget", "data"), [(FULL, "digits"), (QUICK, "digits"), (FULL, "mnist")])
@pytest.mark.parametrize("station", STATIONS.values(), ids=lambda station: station.name)
def test_every_line_is_one_that_the_program_takes(station, budget, data, monkeypatch):
    """Nothing but dnncli's own commands, with files of the station's own folder."""
    for line in station.commands(budget, data):
        program_name, name, *words = shlex.split(line)
        assert program_name == "dnncli"
        assert os.sep not in line
        LEAVES[name].make_context(name, words, auto_envvar_prefix="DNNCLI_" + name)
