"""Features as a network sees them: scaled float32, or raw ones that are scaled where they are used.

Bytes take a quarter of the memory, so images stay bytes from the file to the device; so do numbers
that scaling makes many features of.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int, Int32, UInt8
from numpy.typing import DTypeLike

from dnncli.data.blocks.stored import Stored

ALIGNMENT = 64  # bytes, at which an array has to begin so that a CPU device shares it

Floats = Float32[np.ndarray, "_ _"]  # examples, features
Bytes = UInt8[np.ndarray, "_ _"]
Rows = slice | Int[np.ndarray, "..."] | Bool[np.ndarray, " _"]


@dataclass(frozen=True, eq=False)
class Scaling:
    """How raw features become what a network sees: z = (x - offset) / scale, in float32.

    kind: none, unit, standard, robust or piecewise: where offset and scale come from.
    limit: what a feature then stays within by z / sqrt(1 + (z / limit)^2), infinite for no limit;
    None: no feature has one.
    source: of piecewise, which raw feature each feature is made of, in their order; it then is cut
    off at its limit, or in checkpoints that have none at 0 and 1. None: each is made of its own.
    """

    kind: str
    offset: Float32[np.ndarray, " features"]
    scale: Float32[np.ndarray, " features"]
    limit: Float32[np.ndarray, " features"] | None = None
    source: Int32[np.ndarray, " features"] | None = None

    @property
    def taken(self) -> int:
        """How many raw features an example has."""
        return len(self.scale) if self.source is None else int(self.source[-1]) + 1

    @property
    def made_of(self) -> Int32[np.ndarray, " features"]:
        """The raw feature that each feature is made of."""
        if self.source is None:
            return np.arange(len(self.scale), dtype=np.int32)
        return self.source

    @property
    def ends(self) -> tuple[Float32[np.ndarray, " _"], Float32[np.ndarray, " _"]]:
        """Where pieces are cut off: each feature's own ends, or one of all."""
        if self.limit is None:
            return np.zeros(1, np.float32), np.ones(1, np.float32)
        return -self.limit, self.limit

    @property
    def shifts(self) -> bool:
        """Whether it subtracts anything."""
        return bool(self.offset.any())

    def apply(
        self, x: Float32[np.ndarray, "*examples raw"] | UInt8[np.ndarray, "*examples raw"]
    ) -> Float32[np.ndarray, "*examples features"]:
        """A scaled copy; the same to the bit for pixels given as bytes and as float32."""
        if self.source is not None:
            return self._pieces(x)
        scaled = aligned(x.shape, np.float32)
        if not self.shifts:  # one pass, and no float32 copy of the bytes
            np.divide(x, self.scale, out=scaled, dtype=np.float32)
        else:
            np.subtract(x, self.offset, out=scaled, dtype=np.float32)
            np.divide(scaled, self.scale, out=scaled)
        if self.limit is None:
            return scaled
        # The square of a far value may overflow, the hypotenuse does not.
        return np.divide(scaled, np.hypot(np.float32(1), scaled / self.limit), out=scaled)

    def whole(
        self, x: Float32[np.ndarray, "examples features"]
    ) -> Float32[np.ndarray, "examples raw"]:
        """One number of each raw feature, the mean of its pieces, which orders examples as it does.

        Without pieces it is the scaled feature.
        """
        if self.source is None:
            return x
        counts = np.bincount(self.source).astype(np.float32)
        return np.add.reduceat(x, np.searchsorted(self.source, range(self.taken)), axis=1) / counts

    def _pieces(
        self, x: Float32[np.ndarray, "*examples raw"] | UInt8[np.ndarray, "*examples raw"]
    ) -> Float32[np.ndarray, "*examples features"]:
        """Each piece of a feature: at one end below it, at the other above, straight between."""
        scaled = aligned((*x.shape[:-1], len(self.scale)), np.float32)
        np.subtract(x[..., self.source], self.offset, out=scaled, dtype=np.float32)
        np.divide(scaled, self.scale, out=scaled)
        return np.clip(scaled, *self.ends, out=scaled)


@dataclass(frozen=True, eq=False)
class Unscaled:
    """Examples that stay as they are; an index, or `numpy.asarray`, gives them scaled, in float32.

    values: bytes, or numbers that scaling makes many features of. scaling: one that a device
    computes to the bit as NumPy does, which that of robust scaling's limit is not.
    """

    values: Bytes | Floats
    scaling: Scaling

    @property
    def shape(self) -> tuple[int, ...]:
        """Examples and scaled features."""
        return len(self), len(self.scaling.scale)

    @property
    def size(self) -> int:
        """How many scaled numbers there are."""
        return len(self) * len(self.scaling.scale)

    def __len__(self) -> int:
        """Number of examples."""
        return len(self.values)

    def __getitem__(self, rows: int | Rows) -> Float32[np.ndarray, "*rows features"]:
        """Some of the examples, scaled."""
        return self.scaling.apply(self.values[rows])

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        """All of them, scaled; always a copy, so that NumPy's `copy` changes nothing."""
        return self[:].astype(dtype or np.float32, copy=False)

    def take(self, rows: Rows) -> "Unscaled":
        """Some of the examples as they are."""
        return Unscaled(self.values[rows], self.scaling)


Features = Floats | Unscaled | Stored


def scaled(x: Floats | Bytes | Stored, scaling: Scaling) -> Features:
    """Raw features scaled; bytes, and numbers that become many features, stay what they are.

    What is on the disk stays there.
    """
    if isinstance(x, Stored):
        return x.scaled_by(scaling)
    if scaling.source is not None or (x.dtype == np.uint8 and scaling.limit is None):
        return Unscaled(shared(x), scaling)
    return scaling.apply(x)


def rescaled(x: Features, scaling: Scaling) -> Features:
    """Features that were not scaled yet, scaled."""
    raw = x.values if isinstance(x, Unscaled) else x
    return scaled(raw, scaling)


def take(x: Features, rows: Rows) -> Features:
    """Some of the examples, in memory: of a slice a view, of indices a copy."""
    return x.take(rows) if isinstance(x, Unscaled) else x[rows]


def joined(parts: Sequence[Features]) -> Features:
    """Several sets of examples as one; unscaled where all are unscaled and of one scaling."""
    alike = [part for part in parts if isinstance(part, Unscaled)]
    if len(alike) == len(parts) and len({id(part.scaling) for part in alike}) == 1:
        return Unscaled(np.concatenate([part.values for part in alike]), alike[0].scaling)
    return np.concatenate([np.asarray(part) for part in parts])


def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
    """An empty array that a device on the CPU can share instead of copying it."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.empty(size + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + size].view(dtype).reshape(shape)


def shared(x: Floats | Bytes) -> Floats | Bytes:
    """The same values, C-contiguous where a device on the CPU can share them."""
    if x.flags.c_contiguous and x.ctypes.data % ALIGNMENT == 0:
        return x
    copy = aligned(x.shape, x.dtype)
    copy[...] = x
    return copy
