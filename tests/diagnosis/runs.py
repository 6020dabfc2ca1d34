"""Whole runs made by hand, as diagnosis sees them: healthy but for what a test changes."""

from dataclasses import replace

from problems import layers

from dnncli.diagnosis.case import Case
from dnncli.diagnosis.context import NetworkContext
from dnncli.records import EpochRecord
from dnncli.records.diagnosis import (
    ClassStatistics,
    DataStatistics,
    InputStatistics,
    Outcome,
    Reference,
    RunEvidence,
    SplitOutcome,
)
from dnncli.spec import from_options

INPUTS = InputStatistics(8, 1.0, 0.0, 8, 0.5, "x1", 0.2, "x1", 0.0)
CLASSES = ClassStatistics(("a", "b"), (500, 500), (100, 100), (100, 100))
DATA = DataStatistics(INPUTS, CLASSES)
GOOD = SplitOutcome(0.1, ((190, 10), (10, 190)))
TRAINED = SplitOutcome(0.05, ((490, 10), (10, 490)))
# As a network that says the first class of half of the examples, whatever they are.
GUESSING = SplitOutcome(0.7, ((100, 100), (100, 100)))
REFERENCE = Reference(400, 370, 375)


def epoch(number, train_loss=0.2, val_loss=0.2, rate=1e-3, accuracy=0.95, **figures):
    """An epoch's record; figures are the layers'."""
    clipped = figures.pop("clipped", 0.0)
    records = layers(2, **figures)
    return EpochRecord(number, train_loss, val_loss, accuracy, rate, clipped, 0.1, records)


def falling(count=10, **figures):
    """Epochs whose losses fall and level off."""
    losses = [0.6 / number + 0.1 for number in range(1, count + 1)]
    return tuple(epoch(i, loss, loss, **figures) for i, loss in enumerate(losses, 1))


def case(options=(), epochs=None, initial=None, crash=None, **evidence):
    """A run of two hidden layers that learned two classes well, but for what is given."""
    run = from_options({"hidden": (20, 20), "act": "relu"} | dict(options))
    context = NetworkContext(run.network, 8, 2, 1.0, run)
    told = falling() if epochs is None else epochs
    first = layers(len(run.network.hidden)) if initial is None else initial
    last = told[-1].layers if told else first
    known = RunEvidence(
        told, "patience", max(1, len(told) - 1), 20, DATA, Outcome(TRAINED, GOOD, REFERENCE)
    )
    return Case(context, run, last, first, crash, replace(known, **evidence))


def followed(run, changes):
    """The run of a remedy followed to the letter: these options changed, and no others."""
    return from_options({**run.options(), **changes})


def outcome(held_out=GOOD, train=TRAINED, reference=REFERENCE):
    """What the best network does."""
    return Outcome(train, held_out, reference)
