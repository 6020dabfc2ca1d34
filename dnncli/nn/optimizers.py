"""Update rules from Optax, as directions: a training step multiplies them by the learning rate.

The learning rate is data of the compiled epoch (see `schedules`), so a rule here is what Optax
calls `scale_by_…`. Decoupled weight decay is part of the direction and is therefore scaled by the
rate too (Loshchilov & Hutter 2019). Penalties and decay act on kernels only, never on biases or
batch norm.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float

from dnncli.nn import reductions, stacks
from dnncli.spec import UpdateSpec

Parameters = Any  # a tree of float arrays; of kernels, biases, … of every layer
Rule = Callable[[UpdateSpec], optax.GradientTransformation]
Multipliers = Mapping[str, float]  # of the learning rate, by a layer's name


def build(spec: UpdateSpec, multipliers: Multipliers | None = None) -> optax.GradientTransformation:
    """The rule and its decoupled weight decay; updates point uphill, before the learning rate.

    `multipliers` scale each layer's direction. Every layer then has a state of its own under its
    name, with its own count of steps, so that a layer unfrozen later starts from zero; a frozen
    layer, of multiplier 0, has none.
    """
    rule = OPTIMIZERS[spec.optimizer](spec)
    if multipliers is None:
        return rule
    rules = {name: _scaled(rule, multiplier) for name, multiplier in multipliers.items()}
    return optax.partition(rules, tuple(multipliers))


def _scaled(rule: optax.GradientTransformation, multiplier: float) -> optax.GradientTransformation:
    """The rule times a multiplier; without any state where that is 0."""
    if not multiplier:
        return optax.set_to_zero()
    return optax.chain(rule, optax.scale(multiplier))


def initial_state(rule: optax.GradientTransformation, parameters: Parameters) -> optax.OptState:
    """`rule.init` without compiling: every rule's state begins as zeros (a test holds that)."""
    shapes = jax.eval_shape(rule.init, parameters)
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)


def slots(state: optax.OptState, parameters: Parameters) -> list[Parameters]:
    """The trees in the rule's state with the parameters' structure: momenta, second moments, …

    Under optax.partition a layer's state holds MaskedNode for every other layer.
    """

    def alike(node: Any) -> bool:
        return _shaped(node, parameters)

    return [node for node in jax.tree.leaves(state, is_leaf=alike) if alike(node)]


def change_slots(
    change: Callable[[Parameters], Parameters], state: optax.OptState, parameters: Parameters
) -> optax.OptState:
    """The rule's state with every tree of the parameters' structure changed."""

    def alike(node: Any) -> bool:
        return _shaped(node, parameters)

    return jax.tree.map(lambda node: change(node) if alike(node) else node, state, is_leaf=alike)


def _shaped(node: Any, parameters: Parameters) -> bool:
    """Whether a part of a rule's state has the parameters' structure."""
    if not type(node) is type(parameters) is tuple or len(node) != len(parameters):
        return _same(node, parameters)
    pairs = zip(node, parameters, strict=True)
    return all(isinstance(part, optax.MaskedNode) or _same(part, of) for part, of in pairs)


def _same(node: Any, parameters: Parameters) -> bool:
    """Whether two trees have the same structure."""
    first: object = jax.tree.structure(node)
    second: object = jax.tree.structure(parameters)
    return first == second


def kernels(parameters: Parameters) -> Any:
    """Which leaves are kernels: the only matrices there are."""

    def matrices(entry: Any) -> Any:
        rank = 2 + stacks.is_stack(entry)
        return jax.tree.map(lambda leaf: leaf.ndim == rank, entry)

    return jax.tree.map(matrices, parameters, is_leaf=stacks.is_stack)


def penalise(spec: UpdateSpec, gradients: Parameters, parameters: Parameters) -> Parameters:
    """Add the gradient of l1 sum|W| + l2 sum W^2 (Keras' convention) for every kernel."""
    if not (spec.l1 or spec.l2):
        return gradients
    return jax.tree.map(
        lambda g, p, kernel: g + spec.l1 * jnp.sign(p) + 2 * spec.l2 * p if kernel else g,
        gradients,
        parameters,
        kernels(parameters),
    )


def clip(
    spec: UpdateSpec, gradients: tuple[Parameters, ...]
) -> tuple[tuple[Parameters, ...], Bool[Array, " layers"]]:
    """Gradients clipped by value, then by each layer's norm, then by the global norm.

    The second result says which layers' gradients were over one of the limits.
    """
    engaged = jnp.zeros(stacks.offsets(gradients)[-1], bool)
    if spec.clip_value is not None:
        engaged |= reductions.by_layer(reductions.largest, gradients) > spec.clip_value
        limit = spec.clip_value
        gradients = jax.tree.map(lambda g: jnp.clip(g, -limit, limit), gradients)
    if spec.clip_norm is not None:
        sizes = reductions.by_layer(reductions.joint, gradients)
        engaged |= sizes > spec.clip_norm
        shrinking = stacks.divided(_shrink(sizes, spec.clip_norm), gradients)
        pairs = zip(gradients, shrinking, strict=True)
        gradients = tuple(stacks.mapped(_scale, layer, factor) for layer, factor in pairs)
    if spec.clip_global_norm is not None:
        size = reductions.joint(gradients)
        engaged |= size > spec.clip_global_norm
        gradients = _scale(gradients, _shrink(size, spec.clip_global_norm))
    return gradients, engaged


def _shrink(size: Float[Array, "*any"], limit: float) -> Float[Array, "*any"]:
    """What to multiply a vector of this norm by so that its norm is at most the limit."""
    return jnp.where(size > limit, limit / size, 1.0)


def _scale(tree: Parameters, factor: Float[Array, ""]) -> Parameters:
    return jax.tree.map(lambda leaf: leaf * factor, tree)


def project(spec: UpdateSpec, parameters: Parameters) -> Parameters:
    """Shrink each unit's incoming weights to norm max_norm or less (Srebro & Shraibman 2005)."""
    if spec.max_norm is None:
        return parameters
    limit = spec.max_norm

    def shrink(p: Float[Array, "..."], kernel: bool) -> Float[Array, "..."]:
        if not kernel:
            return p
        return p * _shrink(jnp.linalg.norm(p, axis=-2, keepdims=True), limit)

    return jax.tree.map(shrink, parameters, kernels(parameters))


def _with_decay(*rules: optax.GradientTransformation) -> Rule:
    return lambda spec: optax.chain(*rules, *_decay(spec))


def _decay(spec: UpdateSpec) -> tuple[optax.GradientTransformation, ...]:
    """Decoupled weight decay, where there is any."""
    if not spec.weight_decay:
        return ()
    return (optax.add_decayed_weights(spec.weight_decay, mask=kernels),)


def _momentum(spec: UpdateSpec, *, nesterov: bool) -> optax.GradientTransformation:
    return optax.chain(optax.trace(spec.momentum, nesterov=nesterov), *_decay(spec))


def _rmsprop(spec: UpdateSpec) -> optax.GradientTransformation:
    trace = (optax.trace(spec.momentum),) if spec.momentum else ()
    return optax.chain(optax.scale_by_rms(decay=0.9, eps=1e-8), *trace, *_decay(spec))


def _lamb(spec: UpdateSpec) -> optax.GradientTransformation:
    # The decay stands before the trust ratio: it is part of the step whose length is set.
    return optax.chain(optax.scale_by_adam(eps=1e-6), *_decay(spec), optax.scale_by_trust_ratio())


OPTIMIZERS: dict[str, Rule] = {
    "sgd": _with_decay(optax.identity()),
    "momentum": lambda spec: _momentum(spec, nesterov=False),
    "nesterov": lambda spec: _momentum(spec, nesterov=True),
    # From 0, as in the paper; Optax' default of 0.1 damps the first steps.
    "adagrad": _with_decay(optax.scale_by_rss(initial_accumulator_value=0.0, eps=1e-7)),
    "rmsprop": _rmsprop,
    "adam": _with_decay(optax.scale_by_adam()),
    "adamw": _with_decay(optax.scale_by_adam()),
    "nadam": _with_decay(optax.scale_by_adam(nesterov=True)),
    "lamb": _lamb,
    "lion": _with_decay(optax.scale_by_lion(b1=0.9, b2=0.99)),
}
