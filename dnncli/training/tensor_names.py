"""The names of a run's tensors in its checkpoint: `hidden1.kernel`, `0/mu/hidden1.kernel`."""

from typing import Any

import jax

from dnncli.nn.network import Layer, Network

NORM_PARTS = ("scale", "offset", "mean", "variance")


def network_tensors(layers: tuple[str, ...], network: Network) -> dict[str, Any]:
    """A network's tensors by name; parts that a layer does not have are left out."""
    tensors: dict[str, Any] = {}
    for name, layer, moments in zip(layers, *network, strict=True):
        parts = layer._asdict()
        if moments:
            parts |= moments._asdict()
        present = {key: part for key, part in parts.items() if part is not None}
        tensors |= {f"{name}.{part_name(key)}": part for key, part in present.items()}
    return tensors


def part_name(key: str) -> str:
    """The name of a layer's part: batch norm's parts stand under `norm`."""
    return f"norm.{key}" if key in NORM_PARTS else key


def optimizer_leaves(layers: tuple[str, ...], state: Any) -> list[tuple[str, Any]]:
    """The leaves of an optimizer's state with their places as names."""
    leaves = jax.tree_util.tree_leaves_with_path(state)
    return [(_place(layers, path), leaf) for path, leaf in leaves]


def _place(layers: tuple[str, ...], path: tuple[Any, ...]) -> str:
    """A leaf's name; the last index and attribute of a parameter-shaped tree are layer and part."""
    keys = [_key_name(key) for key in path]
    if len(keys) >= 2 and keys[-1] in Layer._fields:
        keys[-2:] = [f"{layers[int(keys[-2])]}.{part_name(keys[-1])}"]
    return "/".join(keys)


def _key_name(key: Any) -> str:
    """A step of a JAX path: an attribute's name, an index or a dictionary's key."""
    for attribute in ("name", "idx", "key"):
        if hasattr(key, attribute):
            return str(getattr(key, attribute))
    return str(key)
