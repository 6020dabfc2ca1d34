"""Labels that are wrong here and there, and a column that is the label: what closed forms tell."""

from collections.abc import Iterator

from dnncli.diagnosis import chance, remedy
from dnncli.diagnosis.case import MARGIN, Case
from dnncli.records import Finding, Remedy
from dnncli.records.diagnosis import CrossFit

# Of the fifth of the examples whose class is clearest so many have another one where classes
# merely overlap (2 to 8 % on public tables, mostly none). A wrong label does not care how clear a
# class is.
OVERLAP = 0.05
# The share of errors among the surest over that of all: a third where two normal classes overlap so
# that 69 % can be right, nearly 1 where labels are wrong.
AS_WRONG = 0.6
# A network that makes less than half of these errors knows better: those are the models' own.
KNOWS_BETTER = 0.5


def noisy(case: Case) -> Iterator[Finding]:
    """Examples of clear classes whose label is any other one.

    Where classes overlap, an error's true class is nearly always the runner-up; a wrong label is
    any class with the same chance, and it does not care how sure the models are.
    """
    if case.data is None or case.outcome is None or case.data.cross_fit is None:
        return
    models = case.data.cross_fit
    if not _tells(case, models) or not _wrong(models) or not _scattered(case, models):
        return
    share = models.surest_wrong / models.surest
    held_out = case.outcome.held_out
    if 1 - held_out.accuracy < KNOWS_BETTER * share:
        return
    clearest = f"{models.surest_wrong} of the {models.surest} examples whose class is clearest"
    evidence = f"{clearest} have another label: about {share:.0%} of all labels are wrong"
    reached = f"{held_out.accuracy:.0%} of the held-out ones are right"
    advice = "no option helps: correct the labels; early stopping keeps them from being memorised"
    yield Finding("labels", None, f"{evidence}; {reached}", advice)


def _tells(case: Case, models: CrossFit) -> bool:
    """Whether the models know anything: more than the largest class."""
    assert case.data is not None
    counts = case.data.classes.train
    share = max(counts) / sum(counts)
    hits = round(models.accuracy * models.examples)
    return chance.better(hits, models.examples, share)


def _wrong(models: CrossFit) -> bool:
    """Whether more of the clearest examples are wrong than overlap and chance explain."""
    return chance.better(models.surest_wrong, models.surest, OVERLAP)


def _scattered(case: Case, models: CrossFit) -> bool:
    """Whether wrong labels are any class; of two classes, whether being sure does not help."""
    others = case.context.classes - 1
    if others == 1:
        share = models.surest_wrong / models.surest
        return share >= AS_WRONG * (1 - models.accuracy)
    return not chance.better(models.surest_second, models.surest_wrong, 1 / others)


def given_away(case: Case) -> Iterator[Finding]:
    """A column that tells the class alone while training, and not in the test rows."""
    if case.data is None or case.outcome is None or not case.data.giveaways:
        return
    models = case.data.cross_fit
    test = _test(case)
    if models is None or test is None or case.fits_worse:
        return
    known = round(models.accuracy * models.examples)
    after = test[0] / test[1]
    short = models.accuracy - after
    if short < MARGIN or not chance.clearly_below(*test, known, models.examples):
        return
    name = case.data.giveaways[0]
    evidence = (
        f"{name} alone gives the class away: a simple model gets {models.accuracy:.0%} of unseen"
        f" training rows, and {after:.0%} of the test rows are right, where it tells less"
    )
    dropped = case.run.data.drop
    columns = f"{dropped},{name}" if dropped else name
    yield remedy.finding("inputs", None, evidence, [Remedy({"drop": columns})])


def _test(case: Case) -> tuple[int, int] | None:
    """Correct answers on the test rows, those that do not validate, and how many there are."""
    assert case.data is not None
    assert case.outcome is not None
    validating = sum(case.data.classes.validation)
    best = [epoch for epoch in case.epochs if epoch.epoch == case.evidence.best_epoch]
    rows = case.outcome.held_out.examples - validating
    if not best or rows <= 0:
        return None
    hits = case.outcome.held_out.hits - round(best[0].merit * validating)
    return max(0, hits), rows
