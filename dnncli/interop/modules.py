"""From a file's tensors to modules: which arrays belong together, and what they are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Shaped

from dnncli.errors import CheckpointError

PYTORCH = "PyTorch"
KERAS = "Keras"
# What each calls the parts of a linear layer, of batch norm and of PReLU, by our names for them.
LINEAR = {
    PYTORCH: {"weight": "kernel", "bias": "bias"},
    KERAS: {"kernel": "kernel", "bias": "bias"},
}
NORM = {
    PYTORCH: {
        "running_mean": "mean",
        "running_var": "variance",
        "weight": "scale",
        "bias": "offset",
    },
    KERAS: {
        "moving_mean": "mean",
        "moving_variance": "variance",
        "gamma": "scale",
        "beta": "offset",
    },
}
SLOPE = {PYTORCH: {"weight": "slope"}, KERAS: {"alpha": "slope"}}
EPSILON = {PYTORCH: 1e-5, KERAS: 1e-3}  # batch norm's default
# Tensors that the outputs do not depend on.
COUNTERS = ("num_batches_tracked", "seed_generator_state")
NAME = re.compile(r"(?:(?P<module>.+)[./])?(?P<part>[^./]+?)(?::0)?")

Parts = Mapping[str, Float64[np.ndarray, "..."]]


@dataclass(frozen=True)
class Module:
    """One layer of another framework: `parts` under our names, and the file's names of tensors.

    tensors: the part that each is, by the file's name of it. epsilon: what batch norm adds to its
    variance.
    """

    name: str
    kind: str  # linear | norm | slope
    parts: Parts
    tensors: Mapping[str, str]
    epsilon: float = 0.0

    @property
    def width(self) -> int:
        """How many units it puts out."""
        return int(next(iter(self.parts.values())).shape[-1])


def collect(tensors: Mapping[str, Shaped[np.ndarray, "..."]]) -> tuple[str, list[Module]]:
    """The framework that wrote the tensors, and its modules in the natural order of their names.

    Raises CheckpointError for anything but linear layers, batch norm and PReLU.
    """
    groups: dict[str, dict[str, str]] = {}
    for tensor in tensors:
        found = NAME.fullmatch(tensor)
        if found is None:
            raise CheckpointError(f"the tensor {tensor!r} has no name that tells what it is.")
        if found["part"] not in COUNTERS:
            groups.setdefault(found["module"] or "", {})[found["part"]] = tensor
    framework = KERAS if any("kernel" in names for names in groups.values()) else PYTORCH
    named = sorted(groups.items(), key=lambda item: natural(item[0]))
    return framework, [_module(framework, name, parts, tensors) for name, parts in named]


def natural(name: str) -> list[tuple[int, int, str]]:
    """A key that sorts `dense`, `dense_2`, `dense_10` in this order."""
    parts = re.findall(r"\d+|\D+", name)
    return [_natural_part(part) for part in parts]


def _natural_part(part: str) -> tuple[int, int, str]:
    """A key that sorts numbers by value and before text."""
    if part.isdecimal():
        return (0, int(part), "")
    return (1, 0, part)


def _module(
    framework: str,
    name: str,
    names: Mapping[str, str],
    tensors: Mapping[str, Shaped[np.ndarray, "..."]],
) -> Module:
    arrays = {part: float64(tensor, tensors[tensor]) for part, tensor in names.items()}
    kind, vocabulary = _kind(framework, name, arrays)
    parts = {ours: arrays[theirs] for theirs, ours in vocabulary.items() if theirs in arrays}
    if kind == "linear" and framework == PYTORCH:
        parts["kernel"] = parts["kernel"].T
    tensors_as = {tensor: vocabulary[theirs] for theirs, tensor in names.items()}
    return checked(Module(name, kind, parts, tensors_as, EPSILON[framework]))


def float64(name: str, array: Shaped[np.ndarray, "..."]) -> Float64[np.ndarray, "..."]:
    """The array in float64. Raises CheckpointError unless it holds finite floats."""
    if array.dtype.kind != "f":
        raise CheckpointError(f"the tensor {name!r} holds {array.dtype}, no weights.")
    if not np.isfinite(array).all():
        raise CheckpointError(f"the tensor {name!r} holds NaN or infinite numbers.")
    return array.astype(np.float64)


def _kind(framework: str, name: str, arrays: Parts) -> tuple[str, Mapping[str, str]]:
    """What a module is, by the parts it has and their dimensions."""
    candidates = {"norm": NORM[framework], "linear": LINEAR[framework], "slope": SLOPE[framework]}
    # How many of a vocabulary's first parts there must be, and the dimensions of the first one.
    needs = {"norm": 2, "linear": 1, "slope": 1}
    dimensions = {"norm": 1, "linear": 2, "slope": 1}
    for kind, vocabulary in candidates.items():
        first = list(vocabulary)[: needs[kind]]
        known = set(first) <= set(arrays) <= set(vocabulary)
        if known and arrays[first[0]].ndim == dimensions[kind]:
            return kind, vocabulary
    shapes = ", ".join(f"{part} {array.shape}" for part, array in arrays.items())
    raise CheckpointError(
        f"the module {name!r} ({shapes}) is not a linear layer, batch norm or PReLU:"
        " nothing else is understood."
    )


def checked(module: Module) -> Module:
    """The module if its parts fit together, with a scale, offset or bias that it leaves out."""
    parts = dict(module.parts)
    width = module.width
    if module.kind == "norm":
        parts = {"scale": np.ones(width), "offset": np.zeros(width), **parts}
        if (parts["variance"] < 0).any():
            raise CheckpointError(f"the module {module.name!r} has a negative variance.")
    if module.kind == "linear":
        parts = {"kernel": parts["kernel"], "bias": parts.get("bias", np.zeros(width))}
    if not all(_fits(name, part, width) for name, part in parts.items()):
        shapes = ", ".join(f"{name} {part.shape}" for name, part in parts.items())
        raise CheckpointError(
            f"the parts of the module {module.name!r} do not fit together: {shapes}."
        )
    return replace(module, parts=parts)


def _fits(name: str, part: Float64[np.ndarray, "..."], width: int) -> bool:
    """Whether a part has the dimensions it must have and ends with the module's width."""
    dimensions = 2 if name == "kernel" else 1
    return part.ndim == dimensions and part.shape[-1] == width and part.size > 0
