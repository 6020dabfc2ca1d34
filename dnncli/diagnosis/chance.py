"""What chance alone would do: binomial probabilities and intervals for correct answers."""

import math

Z_95 = 1.959963984540054  # of a normal distribution, both sides
Z_99 = 2.5758
ONE_SIDED_95 = 1.645
# How often a network that knows nothing may be taken for one that has learned something.
CHANCE = 0.01


def at_least(hits: int, examples: int, share: float) -> float:
    """The probability of so many correct answers or more, each right with this probability."""
    if hits <= 0:
        return 1.0
    if not 0 < share < 1:
        return float(share >= 1)
    logs = [_log_binomial(k, examples, share) for k in range(hits, examples + 1)]
    largest = max(logs)
    return min(1.0, math.exp(largest) * math.fsum(math.exp(log - largest) for log in logs))


def _log_binomial(k: int, n: int, share: float) -> float:
    choices = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return choices + k * math.log(share) + (n - k) * math.log1p(-share)


def better(hits: int, examples: int, share: float) -> bool:
    """Whether so many correct answers are more than a share would give by chance (CHANCE)."""
    return examples > 0 and at_least(hits, examples, share) < CHANCE


def interval(hits: int, examples: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927): sound for few examples too."""
    return wilson(hits / examples, examples) if examples else (0.0, 1.0)


def wilson(share: float, examples: float) -> tuple[float, float]:
    """The same of a share, which need not be of whole examples."""
    weight = Z_95**2 / examples
    centre = (share + weight / 2) / (1 + weight)
    half = math.sqrt(share * (1 - share) * weight + weight**2 / 4) / (1 + weight)
    return max(0.0, centre - half), min(1.0, centre + half)


def clearly_below(hits: int, examples: int, other_hits: int, other_examples: int) -> bool:
    """Whether a share is below another one beyond chance: a two-sample z-test at 1 %."""
    if not examples or not other_examples:
        return False
    share = hits / examples
    other = other_hits / other_examples
    pooled = (hits + other_hits) / (examples + other_examples)
    error = math.sqrt(pooled * (1 - pooled) * (1 / examples + 1 / other_examples))
    return other - share > Z_99 * error
