"""What the demonstration promises: only what a case of its own table supports, or else theory.

A sick case's remedy is looked up in the table. Where the case with those changes stands there, the
advice is written from its figures, or taken back if they are not better.
"""

import math
from collections.abc import Iterator, Sequence

from dnncli.diagnosis import growth
from dnncli.diagnosis.flow import TRAINABLE_DECAY
from dnncli.diagnosis.remedy import flags, sentence
from dnncli.records import CaseRecord, Finding, PromiseRecord, Remedy

# What a table's case is told apart by; a remedy that changes anything else has no witness in it.
KNOWN = ("act", "init", "bn", "bn_output", "bn_momentum", "alpha")
FLOW = ("vanishing", "exploding")


def promises(cases: Sequence[CaseRecord]) -> Iterator[PromiseRecord]:
    """What mends the worst finding of each sick case."""
    for case in cases:
        if case.findings:
            yield _promise(case, case.findings[0], cases)


def _promise(case: CaseRecord, finding: Finding, cases: Sequence[CaseRecord]) -> PromiseRecord:
    """The first remedy that no case of the table refutes."""
    remedies = (finding.remedy, *finding.alternatives) if finding.remedy else ()
    refuted: list[str] = []
    for place, remedy in enumerate(remedies):
        assert remedy is not None
        witness = find(case, remedy, cases)
        if witness is None:
            # The finding's own words go with its first remedy.
            advice = finding.advice if place == 0 else sentence(remedy)
            return _record(case, finding, advice, remedy, None, refuted)
        if better(case, witness, finding):
            told = f"{flags(remedy.changes)}: {figures(case, witness, finding)}"
            return _record(case, finding, told, remedy, witness, refuted)
        refuted.append(witness.short)
    advice = finding.advice
    if refuted:
        advice = f"nothing that is known here mends it: {', '.join(refuted)} is no better"
    return _record(case, finding, advice, None, None, refuted)


def _record(
    case: CaseRecord,
    finding: Finding,
    advice: str,
    remedy: Remedy | None,
    witness: CaseRecord | None,
    refuted: Sequence[str],
) -> PromiseRecord:
    changes = None if remedy is None else dict(remedy.changes)
    name = None if witness is None else witness.case
    return PromiseRecord(
        case=case.case,
        depth=case.depth,
        rule=finding.rule,
        layer=finding.layer,
        evidence=finding.evidence,
        advice=advice,
        changes=changes,
        witness=name,
        refuted=tuple(refuted),
    )


def find(case: CaseRecord, remedy: Remedy, cases: Sequence[CaseRecord]) -> CaseRecord | None:
    """The case of the table that has a remedy's changes and else the same options and depth."""
    if not set(remedy.changes) <= set(KNOWN):
        return None
    wanted = {"act": case.act, "init": case.init, "bn": case.bn, **remedy.changes}
    for other in cases:
        same = (other.act, other.init, other.bn) == (wanted["act"], wanted["init"], wanted["bn"])
        if same and (other.depth, other.clip) == (case.depth, case.clip):
            return other
    return None


def better(case: CaseRecord, witness: CaseRecord, finding: Finding) -> bool:
    """Whether a witness's figures are better than those of the case that it is to mend."""
    if witness.verdict != "healthy" or _accuracy(witness) < _accuracy(case):
        return False
    if finding.rule in FLOW:
        return is_level(witness.delta_ratio)
    name = {"saturated": "saturated_fraction", "dead": "dead_fraction"}.get(finding.rule)
    if name is None:
        return True
    return _of_layer(witness, finding.layer, name) < _of_layer(case, finding.layer, name)


def figures(case: CaseRecord, witness: CaseRecord, finding: Finding) -> str:
    """A witness's figures, beside those of the case that it is to mend."""
    told = []
    if finding.rule == "saturated":
        share = _of_layer(witness, finding.layer, "saturated_fraction")
        most = max(layer.saturated_fraction for layer in witness.layers)
        told.append(f"{share:.0%} flat there and at most {most:.0%} in any layer")
    if finding.rule == "dead":
        share = _of_layer(witness, finding.layer, "dead_fraction")
        told.append(f"{share:.0%} dead there")
    if finding.rule in FLOW:
        told.append(f"δ ratio {witness.delta_ratio:.2g} instead of {case.delta_ratio:.1e}")
    told += _trained(case, witness)
    return f"measured as {witness.short}: {', '.join(told)}"


def _trained(case: CaseRecord, witness: CaseRecord) -> Iterator[str]:
    """Both accuracies, where both were trained."""
    if witness.trained is None or case.trained is None or witness.trained.val_accuracy is None:
        return
    before = "divergence"
    if case.trained.val_accuracy is not None:
        before = f"{case.trained.val_accuracy:.1%}"
    yield f"accuracy {witness.trained.val_accuracy:.1%} instead of {before}"


def _of_layer(case: CaseRecord, layer: str | None, name: str) -> float:
    """A statistic of one layer of a case."""
    found = next(record for record in case.layers if record.layer == layer)
    return float(getattr(found, name))


def _accuracy(case: CaseRecord) -> float:
    """The accuracy after training; 0 where it diverged or was not trained."""
    return 0.0 if case.trained is None else case.trained.val_accuracy or 0.0


def is_level(ratio: float) -> bool:
    """Whether gradients keep their size within a decade."""
    return ratio > 0 and math.isfinite(ratio) and abs(math.log10(ratio)) < 1


def grows(case: CaseRecord) -> bool:
    """Whether batch norm makes a case's gradients grow by more than a decade."""
    return case.bn and case.delta_ratio > growth.NOTED


def growth_lines(cases: Sequence[CaseRecord]) -> Iterator[str]:
    """What batch norm does to the gradient with depth, and that to training where it was tried."""
    for case in cases:
        if grows(case):
            factor = growth.per_layer(case.delta_ratio, case.depth)
            size = f"{growth.times(case.delta_ratio)} times over {case.depth} layers"
            grown = f"batch norm makes δ grow {size} ({factor:.2f} a layer) before the first step"
            yield f"{case.short}: {grown}; {_then(case)}"


def _then(case: CaseRecord) -> str:
    """What became of it in training."""
    trained = case.trained
    if trained is None:
        return "the first steps shrink that, and --train 20 shows whether it learns"
    if trained.val_accuracy is None or trained.delta_ratio is None:
        return "every seed diverged"
    after = f"after {trained.epochs} epochs {growth.times(trained.delta_ratio)} times"
    share = f"accuracy {trained.val_accuracy:.1%}"
    if trained.majority is not None and not learns(case):
        largest = f"the largest class alone {trained.majority:.1%}"
        return f"{after}, and it has learned little: {share}, {largest}"
    return f"{after}, and it trains all the same: {share}"


def learns(case: CaseRecord) -> bool:
    """Whether training got half of the way from the largest class's share to all examples."""
    trained = case.trained
    if trained is None or trained.val_accuracy is None or trained.majority is None:
        return False
    return trained.val_accuracy > (1 + trained.majority) / 2


def verdict(case: CaseRecord) -> str:
    """The verdict in a word: of what is healthy at first, also what training showed."""
    beyond = case.bn and case.delta_ratio > 1 / TRAINABLE_DECAY
    if case.verdict != "healthy" or not beyond:
        return case.verdict
    return "healthy" if learns(case) else "growing"
