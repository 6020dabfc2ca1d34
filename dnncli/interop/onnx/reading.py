"""From an ONNX file that is a plain stack to a network with the same outputs.

What stands before the first layer and is affine becomes the scaling of the inputs; what turns the
last layer's outputs into answers is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from dnncli.data import Scaling
from dnncli.errors import CheckpointError
from dnncli.interop.modules import Module, checked
from dnncli.interop.onnx import elementwise, nodes, pieces
from dnncli.interop.onnx.nodes import Constant, File, Node
from dnncli.interop.onnx.pieces import UNCHANGED, Affine, refusal
from dnncli.interop.reading import Model, model
from dnncli.interop.stack import Stage, check_fit
from dnncli.storage import files

NAME = "ONNX"  # what a model calls its origin
FAR = 1e12  # scaled; robust scaling bends it to its limit
Activation = tuple[str, float | None]


def read(path: Path) -> Model:
    """The network in an ONNX file, with the scaling of its inputs where the graph has one.

    Raises CheckpointError for a file that is damaged or is not a stack of dense layers with one
    activation; its message names the first operator that is not part of one.
    """
    file = nodes.read(path)
    try:
        # What overflows is found in the end: it is not finite.
        with np.errstate(all="ignore"):
            return _understood(file)
    except CheckpointError as error:
        raise CheckpointError(f"{files.shown(path)} is not understood: {error}") from None
    except nodes.DAMAGE:
        raise CheckpointError(
            f"{files.shown(path)} is not understood: its operators' parts do not fit together."
        ) from None


def _understood(file: File) -> Model:
    """The network that a file's graph is."""
    stack = _Stack(file)
    chain = pieces.split(file)
    for piece in chain.pieces:
        stack.add(piece)
    stack.close(chain.answers)
    found = stack.model()
    parts = [part for layers in found.network for layer in layers for part in layer or ()]
    if not all(np.isfinite(part).all() for part in parts if part is not None):
        raise CheckpointError("its weights go beyond float32.")
    return found


@dataclass(frozen=True)
class _Activated:
    """An activation, PReLU's slopes, and what is multiplied and added behind it."""

    activation: Activation
    slope: Module | None
    change: Affine


@dataclass
class _Stack:
    """The layers so far.

    scaling: of the inputs; limit: of what is scaled, as robust scaling has it. before: what stands
    in front of the next layer. active: whether the last stage has its activation.
    """

    file: File
    stages: list[Stage] = field(default_factory=list)
    activations: list[Activation] = field(default_factory=list)
    scaling: Affine = UNCHANGED
    limit: Float64[np.ndarray, " _"] | None = None
    before: Module | None = None
    active: bool = False

    def add(self, piece: pieces.Piece) -> None:
        """One more piece."""
        if piece.module is None:
            self._add_function(piece)
        elif piece.module.kind == "linear":
            self._add_layer(piece.module)
        elif self.stages and not self.active and self.stages[-1].norm is None:
            self.stages[-1] = replace(self.stages[-1], norm=piece.module)
        elif self.before is None:
            self.before = piece.module
        else:
            raise CheckpointError(
                f"two batch norms, {self.before.name!r} and {piece.module.name!r}, follow each"
                " other."
            )

    def _add_layer(self, linear: Module) -> None:
        if self.stages and not self.active:
            self.activations.append(("identity", None))
        self.stages.append(Stage(linear, before=self.before))
        self.before = None
        self.active = False

    def _add_function(self, piece: pieces.Piece) -> None:
        """Constants that are added or multiplied, an activation, and more constants."""
        given = piece.nodes
        leading = self._leading(piece.start, given)
        if leading == len(given):
            self._scale(self._product(piece.start, given), given[0])
            return
        rest = given[leading:]
        if self.active or (not self.stages and (self.before or self.limit is not None)):
            raise refusal(rest[0])
        if not self.stages:
            self._scale(self._product(piece.start, given[:leading]), given[0])
            self.limit = self._limit(_end(piece.start, given[:leading]), rest)
            return
        # A sigmoid that is written out begins with -z, which is part of it.
        for taken in range(leading, -1, -1):
            value = _end(piece.start, given[:taken])
            found = self._activation_of(value, given[taken:])
            if found is not None:
                self._scale(self._product(piece.start, given[:taken]), given[0])
                self._activate(found, given[-1])
                return
        raise refusal(rest[0])

    def _leading(self, value: str, given: Sequence[Node]) -> int:
        """How many of the first nodes only multiply and add, each what the one before it gives."""
        for place, node in enumerate(given):
            users = [other for other in given[place:] if value in other.inputs]
            if users != [node] or pieces.affine(node, value, self.file.constants) is None:
                return place
            value = node.output
        return len(given)

    def _product(self, value: str, given: Sequence[Node]) -> Affine:
        """What nodes multiply and add one after the other."""
        total = UNCHANGED
        for node in given:
            change = pieces.affine(node, value, self.file.constants)
            assert change is not None
            if change is not UNCHANGED:
                total = total.then(change)
            value = node.output
        return total

    def _scale(self, change: Affine, node: Node) -> None:
        """Let the last layer, what stands before the next one, or the inputs change so."""
        if change is UNCHANGED:
            return
        if self.active:
            self.before = _after(self.before, change, self._width(), node)
        elif self.stages:
            stage = self.stages[-1]
            if stage.norm is None:
                self.stages[-1] = replace(stage, linear=_changed(stage.linear, change))
            else:
                norm = _after(stage.norm, change, self._width(), node)
                self.stages[-1] = replace(stage, norm=norm)
        elif self.before is None and self.limit is None:
            self.scaling = self.scaling.then(change)
        else:
            raise refusal(node)

    def _width(self) -> int:
        return self.stages[-1].linear.width

    def _limit(self, value: str, rest: Sequence[Node]) -> Float64[np.ndarray, " _"]:
        """Robust scaling's limit of each feature, infinite for none, by the values of the nodes."""
        constants = self.file.constants
        far = elementwise.evaluate(rest, constants, value, np.array([FAR]))
        limit = np.where(far > FAR / 1e6, np.inf, far)
        x = np.array([-1e4, -3.0, -0.5, 0, 1, 20.0])[:, None]
        expected = x / np.sqrt(1 + (x / limit) ** 2)
        found = elementwise.evaluate(rest, constants, value, x)
        if not np.allclose(found, expected, rtol=elementwise.TOLERANCE):
            raise refusal(rest[0])
        return np.ravel(limit)

    def _activation_of(self, value: str, given: Sequence[Node]) -> "_Activated | None":
        """The activation that nodes begin with; None where they do not, or go on otherwise.

        SELU may be an ELU that is multiplied: the longest piece that is an activation counts.
        """
        constants = self.file.constants
        for end in range(len(given), 0, -1):
            behind = given[end:]
            last = given[end - 1].output
            if self._leading(last, behind) < len(behind):
                return None
            slope = _slope(given[0], constants) if end == 1 else None
            found: Activation | None = ("prelu", None)
            if slope is None:
                found = elementwise.recognised(given[:end], constants, value)
            if found is not None:
                return _Activated(found, slope, self._product(last, behind))
        return None

    def _activate(self, found: "_Activated", node: Node) -> None:
        """Give the last stage its activation, and let what follows it stand before the next one."""
        self.activations.append(found.activation)
        self.stages[-1] = replace(self.stages[-1], slope=found.slope)
        self.active = True
        self._scale(found.change, node)

    def close(self, answers: Sequence[Node]) -> None:
        """A sigmoid of one output is two classes. answers: what stands behind the last layer."""
        sigmoid = next((node for node in answers if node.operator == "Sigmoid"), None)
        if sigmoid is not None:
            self.stages[-1] = _two_classes(self.stages[-1], sigmoid)

    def model(self) -> Model:
        """The network."""
        if len(self.stages) < 2:
            raise CheckpointError("it is one linear layer without a hidden one.")
        act, alpha = self._activation()
        check_fit(self.stages)
        found = model(NAME, self.stages, act, alpha, self.file.sha256)
        return replace(found, scaling=self._scaling(found.features))

    def _activation(self) -> Activation:
        """The one activation of all hidden layers."""
        names = {name for name, _ in self.activations}
        alphas = [alpha for _, alpha in self.activations if alpha is not None]
        if len(names) > 1 or np.ptp(alphas or [0.0]) > elementwise.TOLERANCE:
            seen = ", ".join(dict.fromkeys(name for name, _ in self.activations))
            raise CheckpointError(
                f"its hidden layers have different activations ({seen}), and a stack has one."
            )
        (name,) = names
        if not alphas:
            return name, None
        return name, float(str(np.float32(alphas[0])))  # 0.2 rather than 0.20000000298

    def _scaling(self, features: int) -> Scaling | None:
        """The scaling of the inputs; None where they are taken as they are."""
        if self.scaling is UNCHANGED and self.limit is None:
            return None
        gain = np.broadcast_to(self.scaling.gain, features)
        shift = np.broadcast_to(self.scaling.shift, features)
        offset = (-shift / gain).astype(np.float32)
        scale = (1 / gain).astype(np.float32)
        if not (np.isfinite(offset).all() and np.isfinite(scale).all()):
            raise CheckpointError("what scales its inputs is 0 or not finite.")
        kind = "standard" if offset.any() else "unit"
        if self.limit is None:
            return Scaling(kind, offset, scale)
        limit = np.broadcast_to(self.limit, features).astype(np.float32)
        return Scaling("robust", offset, scale, limit)


def _end(start: str, given: Sequence[Node]) -> str:
    """The value that nodes make of the first one."""
    return given[-1].output if given else start


def _slope(node: Node, constants: Mapping[str, Constant]) -> Module | None:
    """PReLU's slopes where a node is one."""
    if node.operator != "PRelu":
        return None
    name = node.inputs[1]
    slopes = np.ravel(constants[name]).astype(np.float64)
    return checked(Module(node.name, "slope", {"slope": slopes}, {name: "slope"}))


def _changed(linear: Module, change: Affine) -> Module:
    """A layer whose outputs are multiplied and added to."""
    kernel = linear.parts["kernel"] * change.gain
    bias = linear.parts["bias"] * change.gain + change.shift
    return checked(replace(linear, parts={"kernel": kernel, "bias": bias}))


def _after(norm: Module | None, change: Affine, width: int, node: Node) -> Module:
    """A batch norm whose outputs are multiplied and added to; a new one where there is none."""
    if norm is None:
        ones = np.ones(width)
        parts = {"scale": ones, "offset": 0 * ones, "mean": 0 * ones, "variance": ones}
        norm = Module(node.name, "norm", parts, {})
    scale = norm.parts["scale"] * change.gain
    offset = norm.parts["offset"] * change.gain + change.shift
    return checked(replace(norm, parts={**norm.parts, "scale": scale, "offset": offset}))


def _two_classes(stage: Stage, node: Node) -> Stage:
    """One output whose sigmoid is the second class's probability, as the logits 0 and z."""
    if stage.linear.width != 1 or stage.norm is not None:
        raise refusal(node)
    parts = {
        name: np.concatenate([np.zeros_like(part), part], axis=-1)
        for name, part in stage.linear.parts.items()
    }
    return replace(stage, linear=replace(stage.linear, parts=parts))
