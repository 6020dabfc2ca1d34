"""Update rules from Optax, as directions: the engine multiplies by the learning rate.

The learning rate is data of the compiled epoch (see `schedules`), so a rule here is what Optax calls
`scale_by_…`. Decoupled weight decay joins the direction and is therefore scaled by the rate as well
(Loshchilov & Hutter 2019). Penalties and decay touch kernels only, never biases or batch norm.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float

from dnncli.nn import reductions
from dnncli.spec import UpdateSpec

Parameters = Any  # a tree of float arrays; of kernels, biases, … of every layer
Rule = Callable[[UpdateSpec], optax.GradientTransformation]
Factors = Mapping[str, float]  # by a layer's name, its share of the learning rate


def build(spec: UpdateSpec, factors: Factors | None = None) -> optax.GradientTransformation:
    """The rule and its decoupled weight decay; updates point uphill, before the learning rate.

    `factors` scale each layer's direction. Every layer then has a state of its own under its name, with
    its own count of steps, so that one that thaws later starts afresh; a frozen one, of factor 0, has none.
    """
    rule = OPTIMIZERS[spec.optimizer](spec)
    if factors is None:
        return rule
    rules = {
        name: optax.chain(rule, optax.scale(f)) if f else optax.set_to_zero()
        for name, f in factors.items()
    }
    return optax.partition(rules, tuple(factors))


def initial_state(rule: optax.GradientTransformation, parameters: Parameters) -> optax.OptState:
    """`rule.init` without compiling anything: all states of our rules begin at zero (a test says so)."""
    shapes = jax.eval_shape(rule.init, parameters)
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)


def slots(state: optax.OptState, parameters: Parameters) -> list[Parameters]:
    """The trees in the rule's state that are shaped as the parameters are: momenta, second moments, …

    Where layers have states of their own, the others' places in their trees hold an empty node.
    """

    def alike(node: Any) -> bool:
        if not type(node) is type(parameters) is tuple or len(node) != len(parameters):
            return _same(node, parameters)
        pairs = zip(node, parameters, strict=True)
        return all(isinstance(part, optax.MaskedNode) or _same(part, of) for part, of in pairs)

    return [node for node in jax.tree.leaves(state, is_leaf=alike) if alike(node)]


def _same(node: Any, parameters: Parameters) -> bool:
    same: bool = jax.tree.structure(node) == jax.tree.structure(parameters)  # type: ignore[operator]
    return same


def kernels(parameters: Parameters) -> Any:
    """Which leaves are kernels: the only matrices there are."""
    return jax.tree.map(lambda leaf: leaf.ndim > 1, parameters)


def penalise(spec: UpdateSpec, gradients: Parameters, parameters: Parameters) -> Parameters:
    """Add the gradient of l1 sum|W| + l2 sum W^2 (Keras' convention) for every kernel."""
    if not (spec.l1 or spec.l2):
        return gradients
    return jax.tree.map(
        lambda g, p: g + spec.l1 * jnp.sign(p) + 2 * spec.l2 * p if p.ndim > 1 else g,
        gradients,
        parameters,
    )


def clip(
    spec: UpdateSpec, gradients: tuple[Parameters, ...]
) -> tuple[tuple[Parameters, ...], Bool[Array, " layers"]]:
    """Clip by value, then by norm per layer, then by global norm; says for which layers it engaged."""
    engaged = jnp.zeros(len(gradients), bool)
    if spec.clip_value is not None:
        engaged |= jnp.stack([reductions.largest(layer) for layer in gradients]) > spec.clip_value
        limit = spec.clip_value
        gradients = jax.tree.map(lambda g: jnp.clip(g, -limit, limit), gradients)
    if spec.clip_norm is not None:
        sizes = jnp.stack([reductions.joint(layer) for layer in gradients])
        engaged |= sizes > spec.clip_norm
        factors = _shrink(sizes, spec.clip_norm)
        gradients = tuple(_scale(layer, factors[i]) for i, layer in enumerate(gradients))
    if spec.clip_global_norm is not None:
        size = reductions.joint(gradients)
        engaged |= size > spec.clip_global_norm
        gradients = _scale(gradients, _shrink(size, spec.clip_global_norm))
    return gradients, engaged


def _shrink(size: Float[Array, "*any"], limit: float) -> Float[Array, "*any"]:
    return jnp.where(size > limit, limit / size, 1.0)


def _scale(tree: Parameters, factor: Float[Array, ""]) -> Parameters:
    return jax.tree.map(lambda leaf: leaf * factor, tree)


def project(spec: UpdateSpec, parameters: Parameters) -> Parameters:
    """Shrink each unit's incoming weights to a norm of at most max_norm (Srebro & Shraibman 2005)."""
    if spec.max_norm is None:
        return parameters
    limit = spec.max_norm

    def shrink(p: Float[Array, "..."]) -> Float[Array, "..."]:
        return p * _shrink(jnp.linalg.norm(p, axis=0, keepdims=True), limit) if p.ndim > 1 else p

    return jax.tree.map(shrink, parameters)


def _with_decay(*rules: optax.GradientTransformation) -> Rule:
    return lambda spec: optax.chain(*rules, *_decay(spec))


def _decay(spec: UpdateSpec) -> tuple[optax.GradientTransformation, ...]:
    return (
        (optax.add_decayed_weights(spec.weight_decay, mask=kernels),) if spec.weight_decay else ()
    )


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
