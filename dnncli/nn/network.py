"""The multilayer perceptron: initial parameters and the forward pass, as pure functions.

A layer computes z = x W + b and passes phi(z) on; the output layer's z are the outputs. With batch
normalisation z = BN(x W): the offset takes the place of a bias, whose gradient would be 0.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from dnncli.nn import (
    activations,
    dropout,
    initializers,
    optimizers,
    products,
    reductions,
    stacks,
)
from dnncli.nn.penalties import Pull
from dnncli.spec import NetworkSpec
from dnncli.spec.network import FLOAT32
from dnncli.theory.closed_forms import BN_EPSILON

INIT_STREAM = 1  # keeps the initialisers' random numbers apart from the shuffles' …
BIAS_STREAM = 3  # … and from the biases'


class Layer(NamedTuple):
    """Trainable parameters of one layer; None where the layer has no such part."""

    kernel: Float[Array, "fan_in units"]
    bias: Float[Array, " units"] | None = None
    scale: Float[Array, " units"] | None = None  # batch norm's gamma
    offset: Float[Array, " units"] | None = None  # batch norm's beta
    slope: Float[Array, " units"] | None = None  # PReLU's alpha


class Moments(NamedTuple):
    """Mean and (biased) variance of a layer's x W, over a batch or as a moving average."""

    mean: Float[Array, " units"]
    variance: Float[Array, " units"]


# A layer's each; in the programs of deep networks also `stacks.Stack`s of several layers'.
Parameters = tuple[Any, ...]
Statistics = tuple[Any, ...]
Values = tuple[Any, ...]  # a matrix each
Variances = Sequence[tuple[float, float]]  # a layer's fan-in times its weights', and its biases'
# Each row's weight in a batch's mean: 1/n for its n examples, 0 for padding; None: no padding.
Mask = Float[Array, " batch"] | None


class Network(NamedTuple):
    """A network or successive layers of one: trainable parameters, and batch norm's moments."""

    parameters: Parameters
    statistics: Statistics

    def part(self, start: int, end: int | None = None) -> "Network":
        """The layers from `start` up to but without `end`."""
        return Network(self.parameters[start:end], self.statistics[start:end])


class Trace(NamedTuple):
    """What a forward pass computed, for measurement; one entry a layer from the input up."""

    preactivations: Values
    activations: Values
    statistics: Statistics


class Observation(NamedTuple):
    """All that a training step computed, for a probe to measure.

    `deltas` and `gradients` are of the batch's mean loss, by pre-activations and by parameters;
    `updates` is what is added to the parameters.
    """

    parameters: Parameters
    trace: Trace
    deltas: Values
    gradients: Parameters
    updates: Parameters
    optimizer: optax.OptState  # after the step
    mask: Mask = None
    pull: Pull | None = None  # of penalties and decay


class TrainState(NamedTuple):
    """All that the next training step needs."""

    network: Network
    optimizer: optax.OptState
    step: Int[Array, ""]


def init(
    spec: NetworkSpec, features: int, outputs: int, seed: int, variances: Variances | None = None
) -> Network:
    """An untrained network as NumPy arrays. Every layer draws from a random stream of its own.

    Of an ensemble it is one of its networks.
    `variances` are those of a critical initialisation, whose biases are random too.
    """

    def kernel(index: int, fan_in: int, units: int) -> Any:
        rng = initializers.generator(seed, INIT_STREAM, index)
        if variances is None:
            return initializers.INITIALIZERS[spec.init](rng, fan_in, units)
        variance, _ = variances[index]
        return initializers.CRITICAL[spec.init](rng, fan_in, units, weight_variance=variance)

    def full(units: int, value: float) -> Any:
        return np.full(units, value, np.float32)

    network = _assemble(spec, (features, *spec.hidden, outputs), kernel, full)
    if variances is None:
        return network
    return network._replace(parameters=_with_biases(network.parameters, seed, variances))


def _with_biases(parameters: Parameters, seed: int, variances: Variances) -> Parameters:
    """Normal biases of the given variances."""

    def draw(index: int, layer: Layer) -> Layer:
        rng = initializers.generator(seed, BIAS_STREAM, index)
        _, variance = variances[index]
        noise = rng.standard_normal(layer.kernel.shape[1]) * math.sqrt(variance)
        return layer._replace(bias=noise.astype(np.float32))  # type: ignore[arg-type]

    return tuple(draw(index, layer) for index, layer in enumerate(parameters))


def shapes(spec: NetworkSpec, features: int, outputs: int) -> Network:
    """The shapes of a trained network, an ensemble's merged one; nothing is allocated."""

    def shape(*sizes: int) -> Any:
        return jax.ShapeDtypeStruct(sizes, np.float32)

    def kernel(_index: int, fan_in: int, units: int) -> Any:
        return shape(fan_in, units)

    def full(units: int, _value: float) -> Any:
        return shape(units)

    return _assemble(spec, (features, *spec.units, outputs), kernel, full)


def _assemble(
    spec: NetworkSpec,
    sizes: tuple[int, ...],
    kernel: Callable[[int, int, int], Any],
    full: Callable[[int, float], Any],
) -> Network:
    """The network's parts, each made by `kernel(index, fan_in, units)` or `full(units, value)`.

    sizes: features, the hidden layers' units, outputs.
    """
    parameters: list[Layer] = []
    statistics: list[Moments | None] = []
    for index, (fan_in, units) in enumerate(pairwise(sizes)):
        weights = kernel(index, fan_in, units)
        learned = spec.act == "prelu" and index < len(spec.hidden)
        slope = full(units, spec.alpha or 0.0) if learned else None
        if spec.normalised()[index]:
            scale = full(units, 1.0)
            offset = full(units, 0.0)
            parameters.append(Layer(weights, None, scale, offset, slope))
            statistics.append(Moments(full(units, 0.0), full(units, 1.0)))
        else:
            parameters.append(Layer(weights, full(units, 0.0), slope=slope))
            statistics.append(None)
    return Network(tuple(parameters), tuple(statistics))


def apply(
    spec: NetworkSpec,
    parameters: Parameters,
    x: Float[Array, "batch features"],
    *,
    statistics: Statistics | None = None,
    taps: Values | None = None,
    dropout_key: PRNGKeyArray | None = None,
    mask: Mask = None,
) -> tuple[Float[Array, "batch outputs"], Trace]:
    """Outputs (of a classifier the logits) and trace.

    statistics: what batch norm uses; None: the batch's own moments, also for a layer without an
    entry. taps: zeros added to the pre-activations, so that the gradient with respect to them is
    delta. dropout_key: with it dropout acts on the hidden layers' outputs. mask: marks rows that
    are padding, which batch norm's moments leave out.
    """
    entries: list[tuple[Any, ...]] = []
    place = 0
    none = (None,) * len(parameters)
    for parts in zip(parameters, statistics or none, taps or none, strict=True):
        through = partial(_through, spec, mask, hidden=len(entries) + 1 < len(parameters))
        key = None
        if dropout_key is not None:
            fold = partial(jax.random.fold_in, dropout_key)
            key = stacks.mapped(fold, stacks.places(parts[0], place))
        x, seen = stacks.carried(through, x, _Given(*parts, key))
        entries.append(seen)
        place += stacks.count(parts[0])
    return x, Trace(*map(tuple, zip(*entries, strict=True)))


class _Given(NamedTuple):
    """What a layer is passed through with; of a stack each part is one."""

    layer: Any
    moments: Any
    tap: Any
    key: Any


def _through(
    spec: NetworkSpec, mask: Mask, x: Float[Array, "batch fan_in"], given: _Given, *, hidden: bool
) -> tuple[Float[Array, "batch units"], tuple[Any, ...]]:
    """What a layer passes on, and its pre-activations, activations and moments."""
    z, used = preactivate(given.layer, x, given.moments, mask, spec.precision)
    if given.tap is not None:
        z = z + given.tap
    a = activate(spec, given.layer, z) if hidden else z
    if given.key is None or not hidden:
        return a, (z, a, used)
    return dropout.dropped(spec, a, given.key), (z, a, used)


def preactivate(
    layer: Layer,
    x: Float[Array, "batch fan_in"],
    moments: Moments | None,
    mask: Mask = None,
    precision: str = FLOAT32,
) -> tuple[Float[Array, "batch units"], Moments | None]:
    """X W + b, or batch norm of x W (Ioffe & Szegedy 2015) and the moments it used.

    precision: of the product alone.
    """
    z = products.product(x, layer.kernel, precision)
    if layer.scale is None:
        assert layer.bias is not None
        return z + layer.bias[None], None
    assert layer.offset is not None
    if moments is None:
        moments = batch_moments(z, mask)
    gain = jax.lax.rsqrt(moments.variance + BN_EPSILON) * layer.scale
    return (z - moments.mean[None]) * gain[None] + layer.offset[None], moments


def batch_moments(z: Float[Array, "batch units"], mask: Mask = None) -> Moments:
    """Mean and biased variance over the batch, in two passes: one pass would cancel in float32."""

    def average(values: Float[Array, "batch units"]) -> Float[Array, " units"]:
        if mask is None:
            return jnp.mean(values, axis=0)
        return jnp.dot(mask, values, precision=reductions.EXACT)

    mean = average(z)
    return Moments(mean, average(jnp.square(z - mean[None])))


def alpha(spec: NetworkSpec, layer: Layer) -> activations.Alpha:
    """The activation's parameter: for PReLU the layer's learned slopes, a row, else the spec's."""
    return spec.alpha if layer.slope is None else layer.slope[None]


def activate(
    spec: NetworkSpec, layer: Layer, z: Float[Array, "batch units"]
) -> Float[Array, "batch units"]:
    """phi(z)."""
    return activations.ACTIVATIONS[spec.act](z, alpha(spec, layer))


def kernels_of(parameters: Parameters) -> tuple[Any, ...]:
    """Every layer's kernel, or its shape where the parameters are shapes."""
    return tuple(stacks.part(lambda layer: layer.kernel, layer) for layer in parameters)


def count(parameters: Parameters) -> int:
    """How many trainable numbers there are."""
    return sum(leaf.size for leaf in jax.tree.leaves(parameters))


def finite(state: TrainState) -> Bool[Array, " layers"]:
    """Whether a layer's parameters, batch-norm statistics and optimizer state are all finite."""
    slots = optimizers.slots(state.optimizer, state.network.parameters)
    rows = zip(*state.network, *slots, strict=True)
    return reductions.finite_each(list(rows))
