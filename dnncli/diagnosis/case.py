"""A whole run as the rules see it, and whether it learned anything."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from dnncli.diagnosis import chance, regression
from dnncli.diagnosis.context import NetworkContext
from dnncli.records import EpochRecord, Finding, LayerRecord, Learned
from dnncli.records.diagnosis import (
    ClassStatistics,
    DataStatistics,
    Outcome,
    RunEvidence,
    SplitOutcome,
)
from dnncli.spec import RunSpec

# How much worse than a simple model a network must be to count as impaired: what chance allows, and
# five points besides, since the simple model may just suit the data.
MARGIN = 0.05
# A gain over the majority that would be worth having, as a share of its errors: where the interval
# ends below it, nothing was learned. On 300 rows chance alone reaches a tenth of them at 1 in 40.
WORTHWHILE = 0.25
# An interval of accuracy so wide is of 15 examples or fewer, too few for their loss to tell either.
WIDE = 0.5
# Steps that change a tenth of the weights replace them all within ten; healthy steps are near a
# thousandth.
LARGE_STEP = 0.1


@dataclass(frozen=True)
class Case:
    """One run and all that is known of it. layers: the last epoch's; initial: the first step's."""

    context: NetworkContext
    run: RunSpec
    layers: tuple[LayerRecord, ...]
    initial: tuple[LayerRecord, ...]
    crash: Finding | None
    evidence: RunEvidence

    @property
    def epochs(self) -> tuple[EpochRecord, ...]:
        """The finite epochs."""
        return self.evidence.epochs

    @property
    def data(self) -> DataStatistics | None:
        """What is known of the data."""
        return self.evidence.data

    @property
    def outcome(self) -> Outcome | None:
        """What the best network does."""
        return self.evidence.outcome

    @property
    def steps(self) -> int:
        """How many updates were made."""
        return self.evidence.steps_per_epoch * len(self.epochs)

    @property
    def first_epoch(self) -> tuple[LayerRecord, ...]:
        """The layers in the first finite epoch."""
        return self.epochs[0].layers if self.epochs else ()

    @property
    def last_epoch(self) -> tuple[LayerRecord, ...]:
        """The layers in the last finite epoch."""
        return self.epochs[-1].layers if self.epochs else ()

    @cached_property
    def learned(self) -> Learned:
        """Whether the network learned anything."""
        if self.evidence.regression is not None:
            return regression.learned(self.evidence.regression)
        if self.outcome is None or self.data is None:
            return Learned("unknown")
        return learned(self.outcome, self.data.classes)

    @cached_property
    def simple_models_learn(self) -> bool:
        """Whether a linear model or nearest neighbours beat the largest class's share."""
        if self.evidence.regression is not None:
            return regression.simple_models_learn(self.evidence.regression)
        if self.outcome is None:
            return False
        return _simple_models_learn(self.outcome, self.learned.majority or 0.0)

    @cached_property
    def blind_loss(self) -> float:
        """The loss of knowing nothing of the features: of the classes' shares, or of the mean."""
        if self.data is not None and self.data.targets is not None:
            return max(self.data.targets.mean_loss[self.run.loss], 1e-3)
        if self.data is None:
            return math.log(max(2, self.context.classes))
        return max(entropy(self.data.classes.train), 1e-3)

    @cached_property
    def impaired(self) -> bool:
        """Whether something is wrong with what was learned, beyond chance."""
        if self.crash is not None:
            return True
        if self.learned.verdict in ("nothing", "memorised", "weakly") or self.fits_worse:
            return True
        return self.overconfident

    @cached_property
    def fits_worse(self) -> bool:
        """Whether a simple model knows unseen examples better than the network its own.

        That is not a matter of overfitting: something keeps the network from being optimised.
        """
        models = self.data.cross_fit if self.data else None
        if models is None or self.outcome is None:
            return False
        train = self.outcome.train
        if train.accuracy + MARGIN > models.accuracy:
            return False
        hits = round(models.accuracy * models.examples)
        return chance.clearly_below(train.hits, train.examples, hits, models.examples)

    @cached_property
    def overconfident(self) -> bool:
        """Whether the best loss is worse than that of knowing only the classes' frequencies."""
        if self.outcome is None:
            return False
        held_out = self.outcome.held_out
        known = self.blind_loss
        if self.data is not None:
            known = max(known, frequency_loss(self.data.classes.train, held_out))
        return not held_out.loss <= known

    @cached_property
    def largest_step(self) -> float:
        """The largest measured step of the first epochs, over the weights' norm."""
        ratios = [layer.update_ratio for layer in self.initial]
        for epoch in self.epochs[:3]:
            ratios += [_highest(layer) for layer in epoch.layers]
        return max((ratio for ratio in ratios if math.isfinite(ratio)), default=math.nan)

    @cached_property
    def units_lost(self) -> bool:
        """Whether more than half of some layer's units have died."""
        return any(layer.dead_fraction > 1 / 2 for layer in self.layers[:-1])

    @cached_property
    def path(self) -> float:
        """The length of all steps of the hidden layer that took the longest ones, over its norm."""
        by_layer: dict[str, float] = {}
        for epoch in self.epochs:
            for layer in epoch.layers:
                way = layer.update_ratio * self.evidence.steps_per_epoch
                by_layer[layer.layer] = by_layer.get(layer.layer, 0.0) + way
        return self._longest(by_layer)

    @cached_property
    def travel(self) -> float:
        """How far the hidden layer that went farthest is from its start, over its norm there.

        Of a run whose start is not known, the path: it can be no farther.
        """
        known = {
            layer.layer: layer.distance for layer in self.last_epoch if layer.distance is not None
        }
        return self._longest(known) if known else self.path

    @property
    def start_known(self) -> bool:
        """Whether the distance from the start was measured."""
        return any(layer.distance is not None for layer in self.last_epoch)

    def _longest(self, ways: Mapping[str, float]) -> float:
        """The longest way of a hidden layer.

        The output layer alone moves in a network that has only random features, and above dead
        layers nothing else can: then its way counts too.
        """
        hidden = [way for name, way in ways.items() if way > 0 and name != "output"]
        counted = list(ways.values()) if self.units_lost or not hidden else hidden
        return max(counted, default=0.0)

    @cached_property
    def signal_to_noise(self) -> float | None:
        """The last epoch's clearest gradient of any layer; None where it was not measured."""
        ratios = [layer.signal_to_noise for layer in self.last_epoch]
        return max((ratio for ratio in ratios if ratio is not None), default=None)


def _highest(layer: LayerRecord) -> float:
    return layer.ranges.get("update_ratio", (0.0, layer.update_ratio))[1]


def learned(outcome: Outcome, classes: ClassStatistics) -> Learned:
    """What the best network's answers are worth, against the largest class and simple models."""
    held_out = outcome.held_out
    largest = max(range(len(classes.train)), key=classes.train.__getitem__)
    share = sum(held_out.confusion[largest]) / max(1, held_out.examples)
    reference = outcome.reference
    linear = reference.linear / reference.examples if reference else None
    by_loss = _shown_by_loss(held_out, share)
    return Learned(
        _verdict(outcome, share, by_loss, classes.train),
        held_out.accuracy,
        outcome.train.accuracy,
        share,
        linear,
        weighted=classes.weighted,
        loss=held_out.loss,
        frequency_loss=entropy([sum(row) for row in held_out.confusion]),
        by_loss=by_loss,
    )


def _verdict(outcome: Outcome, share: float, by_loss: bool, counts: Sequence[int]) -> str:
    """In a word. share: the largest class's; counts: of the training examples by class."""
    if by_loss:
        return "weakly" if _simple_models_learn(outcome, share) else "learned"
    held_out = outcome.held_out
    if chance.better(held_out.hits, held_out.examples, share):
        return "weakly" if _below_reference(outcome) else "learned"
    frequencies = frequency_loss(counts, held_out)
    if _may_be_worthwhile(outcome, share, frequencies) and not _below_reference(outcome):
        return "unknown"
    by_heart = _known(outcome.train, max(counts) / max(1, sum(counts)))
    return "memorised" if by_heart else "nothing"


def _known(seen: SplitOutcome, share: float) -> bool:
    """Whether examples are known beyond chance, by the answers or by their probabilities.

    share: the largest class's. Probabilities tell more than answers where a class is so rare that
    it is never the likeliest.
    """
    return chance.better(seen.hits, seen.examples, share) or _shown_by_loss(seen, share)


def _shown_by_loss(seen: SplitOutcome, share: float) -> bool:
    """Whether the log loss shows that examples are known, and the answers do not."""
    answered = chance.better(seen.hits, seen.examples, share)
    return not answered and seen.above_frequencies > regression.ONE_SIDED


def _simple_models_learn(outcome: Outcome, share: float) -> bool:
    """Whether a linear model or nearest neighbours beat the largest class's share."""
    reference = outcome.reference
    return reference is not None and chance.better(reference.best, reference.examples, share)


def _may_be_worthwhile(outcome: Outcome, share: float, frequencies: float) -> bool:
    """Whether a gain over the majority may only be hidden by chance.

    Not where the loss too is worse than that of knowing the classes' frequencies, which every
    example's probabilities show, if there are examples enough.
    """
    held_out = outcome.held_out
    low, high = chance.interval(held_out.hits, held_out.examples)
    untold = high - low > WIDE or held_out.loss <= frequencies
    return untold and high > share + WORTHWHILE * (1 - share)


def _below_reference(outcome: Outcome) -> bool:
    """Whether a linear model or nearest neighbours do better, beyond chance and by MARGIN."""
    reference = outcome.reference
    held_out = outcome.held_out
    if reference is None or not held_out.examples:
        return False
    if held_out.accuracy + MARGIN > reference.best / reference.examples:
        return False
    return chance.clearly_below(
        held_out.hits, held_out.examples, reference.best, reference.examples
    )


def frequency_loss(counts: Sequence[int], seen: SplitOutcome) -> float:
    """The loss on some examples of knowing only these classes' frequencies, in nats.

    Elsewhere the classes may be as frequent as they like: a rare class of training may not be rare.
    """
    total = max(1, sum(counts))
    terms = [
        -sum(row) * math.log(max(count, 1) / total)
        for count, row in zip(counts, seen.confusion, strict=True)
    ]
    return math.fsum(terms) / max(1, seen.examples)


def entropy(counts: Sequence[int]) -> float:
    """Of classes with these counts, in nats."""
    total = sum(counts)
    shares = [count / total for count in counts if count]
    return -math.fsum(share * math.log(share) for share in shares)
