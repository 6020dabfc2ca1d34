"""What the words and signs in the tables of `vanishing-demo` mean."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from dnncli.records import CaseRecord


def legend(cases: Sequence[CaseRecord]) -> Text:
    """One paragraph about what the tables of these cases hold, and nothing else."""
    return Text(" ".join(_sentences(cases)), style="dim")


def _sentences(cases: Sequence[CaseRecord]) -> Iterator[str]:
    yield "δ: RMS of ∂loss/∂z at a layer's pre-activations z."
    yield "δ ratio: hidden1's over the last hidden layer's."
    if len({case.depth for case in cases}) > 1:
        return
    if len(cases) == 1 and cases[0].layers[0].bound is not None:
        yield "bound: δ's largest possible size, by a slope of 1/4 and the kernels' norms."
    if any(case.chi is not None for case in cases):
        yield "χ: the factor by which a layer changes δ's variance; √χ that of δ itself."
    if any(case.trainable_depth for case in cases):
        yield "trains to: 4.6 to 8.6 depth scales, each 1/|ln χ| layers."
    yield "flat: share of outputs where the slope is below 1 % of its maximum, of the worst layer."
    trained = [case.trained for case in cases if case.trained]
    if trained:
        yield f"val. acc.: accuracy on the validation examples after {trained[0].epochs} epochs."
