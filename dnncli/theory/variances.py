"""The variance of one weight under each initialiser; sources stand in the catalog."""

from collections.abc import Callable

from dnncli.spec import catalog

VARIANCES: dict[str, Callable[[int, int], float]] = {
    "normal": lambda fan_in, fan_out: 1.0,
    "uniform": lambda fan_in, fan_out: 1 / (3 * fan_in),
    "xavier-normal": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "xavier-uniform": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he-normal": lambda fan_in, fan_out: 2 / fan_in,
    "he-uniform": lambda fan_in, fan_out: 2 / fan_in,
    "lecun-normal": lambda fan_in, fan_out: 1 / fan_in,
    "lecun-uniform": lambda fan_in, fan_out: 1 / fan_in,
    # Orthonormal columns, or rows where there are fewer of them.
    "orthogonal": lambda fan_in, fan_out: 1 / max(fan_in, fan_out),
}


def variance(init: str, fan_in: int, fan_out: int) -> float:
    """Variance of one weight of a (fan_in, fan_out) kernel drawn by the initialiser called `init`.

    Raises UnknownNameError for a name the catalog does not have, and for the critical ones
    KeyError: theirs depends on the activation and the data (`critical.critical`).
    """
    initializer = catalog.resolve(catalog.INITIALIZERS, init, "initialiser")
    return VARIANCES[initializer.name](fan_in, fan_out)
