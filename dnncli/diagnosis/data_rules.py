"""What is wrong with the data: inputs, classes, labels. Most of it is known before training."""

import math
from collections.abc import Iterator

from dnncli.diagnosis import chance, remedy
from dnncli.diagnosis.case import MARGIN, Case
from dnncli.records import Finding, Remedy
from dnncli.records.diagnosis import (
    ClassStatistics,
    DataStatistics,
    InputStatistics,
    SplitOutcome,
)

# Initialisers take inputs of mean square 1 (He et al. 2015): the first layer's outputs, and for
# ReLU all layers', are as many times too large as the inputs are. A factor of 10 makes logits of
# 10, whose softmax is certain before anything was learned. Sparse and unit-scaled inputs go down
# to a hundredth.
LARGE = 10.0
SMALL = 1e-2
# The mean's share in a feature: from 10 standard deviations on a hundredth of its square is
# information, and the Hessian's condition number grows with the square (LeCun et al. 1998, section
# 4.3).
FAR = 10.0
# All but a hundredth of the variance in one feature: gradients of the others are lost beside it.
DOMINATED = 0.99
# More than half of the features squeezed together by outliers.
MOSTLY = 0.5
# A majority so large that accuracy says little.
LOPSIDED = 2 / 3
# A majority with which a network may learn the others and still find too few of the rare class.
OVERWHELMING = 0.9
# Training rows a class: with fewer, a class's mean in one feature is known to a third of its
# spread.
FEW_ROWS = 10
# An interval of accuracy wider than this on either side tells nothing.
WIDE = 0.25
# Within a pair of classes that are told apart this well or worse nothing distinguishes them.
INDISTINCT = 0.65

# Held-out rows of which so many were seen in training: an accuracy is then too high by up to as
# much, which is the margin from which on networks differ here.
SHARED = 0.05
# Rows of few possible values repeat by nature, in training as between the splits. Where they are
# twice as common between the splits, rows were copied there.
COPIED = 2.0

STANDARD = "every feature gets mean 0 and standard deviation 1"


def inputs(data: InputStatistics, scale: str) -> Iterator[Finding]:
    """What is wrong with the inputs as the network sees them; `scale` is how they were scaled."""
    if data.varying == 0:
        evidence = f"all {data.features} features are constant: nothing can be learned from them"
        yield Finding("inputs", None, evidence, "no option helps: give features that vary")
        return
    if len(data.increasing) == data.varying:
        names = _listed(data.increasing)
        evidence = f"{names} only rises from row to row, as a row's number does"
        advice = "no option helps: leave it out with --drop and give features that tell the classes"
        yield Finding("inputs", data.increasing[0], evidence, advice)
        return
    evidence_of_scale = _scale_evidence(data)
    if evidence_of_scale:
        yield _rescaled(evidence_of_scale, scale)
    elif data.outliers > MOSTLY:
        evidence = (
            f"in {data.outliers:.0%} of the features 2 % of the rows make 90 % of the variance"
        )
        advice = "no option helps: cut off or correct the outliers, which squeeze all else together"
        yield Finding("inputs", None, evidence, advice)


def _scale_evidence(data: InputStatistics) -> str | None:
    """How the inputs' scale is off, as a sentence; None where it is as initialisers assume."""
    size = math.sqrt(data.second_moment)
    spread = math.sqrt(max(0.0, data.second_moment - data.mean_square))
    if data.mean_square > FAR**2 * spread**2 and size > SMALL:
        times = math.sqrt(data.mean_square) / max(spread, 1e-30)
        return f"inputs lie {times:.1f} times their spread away from 0"
    if not SMALL < size < LARGE:
        return f"the inputs' root mean square is {size:.2g}; initialisers assume about 1"
    if data.varying > 1 and data.share_of_largest > DOMINATED and size > 1:
        share = f"{data.share_of_largest:.2%} of all variance"
        return f"{data.largest_name} has {share}, the other features next to none"
    return None


def _rescaled(evidence: str, scale: str) -> Finding:
    if scale == "standard":
        advice = "no option helps: correct the outliers or the unit of these features"
        return Finding("inputs", None, evidence, advice)
    return remedy.finding("inputs", None, evidence, [Remedy({"scale": "standard"})], STANDARD)


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def few_examples(case: Case) -> Iterator[Finding]:
    """Too few rows to learn from, or to say what was learned."""
    if case.data is None or case.outcome is None:
        return
    counts = case.data.classes
    classes = sum(count > 0 for count in counts.train)
    rows = sum(counts.train)
    held_out = case.outcome.held_out
    low, high = chance.interval(held_out.hits, held_out.examples)
    told = f"{rows} training rows for {classes} classes; the accuracy of {held_out.accuracy:.0%}"
    evidence = (
        f"{told} on {held_out.examples} held-out rows may be anything from {low:.0%} to {high:.0%}"
    )
    gap = case.outcome.train.accuracy - held_out.accuracy > WIDE
    if rows < FEW_ROWS * classes and (high - low > 2 * WIDE or gap or case.impaired):
        yield Finding("few-examples", None, evidence, "no option helps: more rows are needed")


def imbalance(case: Case) -> Iterator[Finding]:
    """A class so rare that it is not found, or clearly less often than the others."""
    if case.data is None or case.outcome is None:
        return
    counts = case.data.classes
    share = max(counts.train) / max(1, sum(counts.train))
    confusion = case.outcome.held_out.confusion
    present = [index for index, count in enumerate(counts.train) if count]
    rare = min(present, key=counts.train.__getitem__)
    if share < LOPSIDED or not _missed(case, rare, share):
        return
    total = sum(confusion[rare])
    rows = f"{counts.train[rare]} of {sum(counts.train)} training rows"
    found = f"{confusion[rare][rare]} of its {total} held-out rows are found"
    evidence = f"the class {counts.names[rare]} has {rows}, and {found}"
    majority = (
        f"accuracy {case.outcome.held_out.accuracy:.1%}, always answering the largest {share:.1%}"
    )
    yield Finding("imbalance", None, f"{evidence}; {majority}", _for_rare(case))


def _for_rare(case: Case) -> str:
    """What finds a rare class more often; accuracy mostly falls, so no remedy is promised."""
    balanced = "--class-weight balanced"
    options = f"{balanced} or --threshold auto" if case.context.classes == 2 else balanced
    return (
        f"{options} finds it more often, mostly at the cost of accuracy: judge by balanced"
        " accuracy; what helps both is more rows of it"
    )


def _missed(case: Case, rare: int, share: float) -> bool:
    """Whether less than half of a class is found; where answers are better than chance, less often.

    share: the largest class's. Where it is overwhelming, the rare one is looked at in any case.
    A network that learned what its answers do not show answers the rare class too seldom.
    """
    assert case.outcome is not None
    confusion = case.outcome.held_out.confusion
    hits = confusion[rare][rare]
    total = sum(confusion[rare])
    by_loss = case.learned.by_loss
    if by_loss or case.learned.verdict != "learned":
        return hits * 2 < total and (by_loss or case.impaired or share >= OVERWHELMING)
    other_hits = case.outcome.held_out.hits - hits
    others = case.outcome.held_out.examples - total
    fewer = chance.clearly_below(hits, total, other_hits, others)
    return share >= OVERWHELMING and fewer and hits / total < other_hits / others - MARGIN


def labels(case: Case) -> Iterator[Finding]:
    """Labels that the features do not tell: nothing beats the majority though training fits."""
    if case.data is None or case.outcome is None:
        return
    untold = case.learned.verdict in ("nothing", "memorised") and not case.simple_models_learn
    # Where one class is nearly all there is, it is imbalance that keeps the others from being
    # learned.
    lopsided = (case.learned.majority or 0.0) >= LOPSIDED
    if untold and training_fits(case) and not lopsided:
        yield _untold(case)
        return
    # A network that learned little confuses all classes, whatever their labels; so do answers that
    # show less than their probabilities.
    pairs = []
    if case.learned.verdict == "learned" and not case.learned.by_loss:
        pairs = list(_same_classes(case.data.classes, case.outcome.held_out))
    if pairs:
        names = case.data.classes.names
        told = ", ".join(f"{names[i]} and {names[j]} ({share:.0%})" for i, j, share in pairs)
        evidence = f"held-out rows of one class are told from the other's as by chance: {told}"
        advice = "no option helps: merge these classes, or give features that tell them apart"
        yield Finding("labels", None, evidence, advice)
    elif case.data.classes.best_accuracy < 1 - WIDE and case.data.inputs.varying:
        best = case.data.classes.best_accuracy
        evidence = f"identical rows have different labels: at most {best:.0%} of them can be right"
        yield Finding(
            "labels", None, evidence, "no option helps: give features that tell them apart"
        )


def shared_rows(data: DataStatistics) -> Iterator[Finding]:
    """Held-out rows that the network was trained on: what is said of them is too good."""
    if data.shared is None:
        return
    shares = {"validation": data.shared.validation, "test": data.shared.test}
    copied = {
        name: share
        for name, share in shares.items()
        if share > max(SHARED, COPIED * data.shared.repeated)
    }
    if not copied:
        return
    told = " and ".join(f"{share:.0%} of the {name} rows" for name, share in copied.items())
    usual = f"of the training rows themselves {data.shared.repeated:.0%} repeat"
    evidence = f"{told} are among the training rows too; {usual}"
    advice = "no option helps: take them out of the training data; their accuracy says too much"
    yield Finding("shared-rows", None, evidence, advice)


def training_fits(case: Case) -> bool:
    """Whether training got a tenth below the loss of knowing only the classes' frequencies."""
    lowest = min((epoch.train_loss for epoch in case.epochs), default=math.inf)
    return lowest < 0.9 * case.blind_loss


def _untold(case: Case) -> Finding:
    assert case.outcome is not None
    held_out = case.outcome.held_out
    low, high = chance.interval(held_out.hits, held_out.examples)
    fits = f"training fits (loss {min(epoch.train_loss for epoch in case.epochs):.2g}"
    against = f"{case.blind_loss:.2g} without the features)"
    none = f"held-out accuracy is {held_out.accuracy:.0%} ({low:.0%} to {high:.0%})"
    majority = f"always answering the largest class {case.learned.majority:.0%}"
    evidence = f"{fits}, {against}, yet {none}, {majority}"
    advice = "no option helps: the features do not tell the labels, or the labels are shuffled"
    return Finding("labels", None, evidence, advice)


def _same_classes(
    counts: ClassStatistics, held_out: SplitOutcome
) -> Iterator[tuple[int, int, float]]:
    """Pairs of classes that are confused as often as not, with how well they are told apart."""
    confusion = held_out.confusion
    for i in range(len(confusion)):
        for j in range(i + 1, len(confusion)):
            pair = (confusion[i][i], confusion[i][j], confusion[j][i], confusion[j][j])
            if _indistinct(*pair) and _both_present(counts, i, j):
                yield i, j, (pair[0] + pair[3]) / sum(pair)


def _both_present(counts: ClassStatistics, i: int, j: int) -> bool:
    """Neither is so much rarer than the other that it is bound to be missed."""
    return min(counts.train[i], counts.train[j]) * 3 > max(counts.train[i], counts.train[j])


def _indistinct(right_i: int, wrong_i: int, wrong_j: int, right_j: int) -> bool:
    """No better than the larger class's share in the pair, and certainly not much better."""
    total = right_i + wrong_i + wrong_j + right_j
    if total == 0 or min(right_i + wrong_i, wrong_j + right_j) == 0:
        return False
    share = max(right_i + wrong_i, wrong_j + right_j) / total
    right = right_i + right_j
    _, high = chance.interval(right, total)
    return high < max(INDISTINCT, share + 0.05) and chance.at_least(right, total, share) > 0.05
