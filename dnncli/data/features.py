"""Features as a network sees them: scaled float32, or bytes that are scaled where they are used.

Bytes take a quarter of the memory, so images stay bytes from the file to the device.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int, UInt8
from numpy.typing import DTypeLike

ALIGNMENT = 64  # bytes, at which an array has to begin so that a CPU device shares it

Floats = Float32[np.ndarray, "_ _"]  # examples, features
Bytes = UInt8[np.ndarray, "_ _"]
Rows = slice | Int[np.ndarray, "..."] | Bool[np.ndarray, " _"]


@dataclass(frozen=True, eq=False)
class Scaling:
    """How raw features become what a network sees: z = (x - offset) / scale, in float32.

    kind: none, unit, standard or robust: where offset and scale come from.
    limit: what a feature then stays within by z / sqrt(1 + (z / limit)^2), infinite for no limit;
    None: no feature has one.
    """

    kind: str
    offset: Float32[np.ndarray, " features"]
    scale: Float32[np.ndarray, " features"]
    limit: Float32[np.ndarray, " features"] | None = None

    @property
    def shifts(self) -> bool:
        """Whether it subtracts anything."""
        return bool(self.offset.any())

    def apply(
        self, x: Float32[np.ndarray, "*examples features"] | UInt8[np.ndarray, "*examples features"]
    ) -> Float32[np.ndarray, "*examples features"]:
        """A scaled copy; the same to the bit for pixels given as bytes and as float32."""
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


@dataclass(frozen=True, eq=False)
class Pixels:
    """Examples that stay bytes; an index, or `numpy.asarray`, gives them scaled, in float32.

    scaling: one without a limit, which a device computes to the bit as NumPy does.
    """

    values: Bytes
    scaling: Scaling

    @property
    def shape(self) -> tuple[int, ...]:
        """Examples and features."""
        return self.values.shape

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.values.size

    def __len__(self) -> int:
        """Number of examples."""
        return len(self.values)

    def __getitem__(self, rows: int | Rows) -> Float32[np.ndarray, "*rows features"]:
        """Some of the examples, scaled."""
        return self.scaling.apply(self.values[rows])

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        """All of them, scaled; always a copy, so that NumPy's `copy` changes nothing."""
        return self[:].astype(dtype or np.float32, copy=False)

    def take(self, rows: Rows) -> "Pixels":
        """Some of the examples as bytes."""
        return Pixels(self.values[rows], self.scaling)


Features = Floats | Pixels


def scaled(x: Floats | Bytes, scaling: Scaling) -> Features:
    """Raw features scaled; bytes stay what they are."""
    if x.dtype == np.uint8 and scaling.limit is None:
        return Pixels(shared(x), scaling)
    return scaling.apply(x)


def rescaled(x: Features, scaling: Scaling) -> Features:
    """Features that were not scaled yet, scaled."""
    raw = x.values if isinstance(x, Pixels) else x
    return scaled(raw, scaling)


def take(x: Features, rows: Rows) -> Features:
    """Some of the examples: of a slice a view, of indices a copy."""
    return x.take(rows) if isinstance(x, Pixels) else x[rows]


def joined(parts: Sequence[Features]) -> Features:
    """Several sets of examples as one; bytes where all are bytes of one scaling."""
    pixels = [part for part in parts if isinstance(part, Pixels)]
    if len(pixels) == len(parts) and len({id(part.scaling) for part in pixels}) == 1:
        return Pixels(np.concatenate([part.values for part in pixels]), pixels[0].scaling)
    return np.concatenate([np.asarray(part) for part in parts])


def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
    """An empty array that a device on the CPU can share instead of copying it."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.empty(size + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + size].view(dtype).reshape(shape)


def shared(x: Bytes) -> Bytes:
    """The same bytes, C-contiguous where a device on the CPU can share them."""
    if x.flags.c_contiguous and x.ctypes.data % ALIGNMENT == 0:
        return x
    copy = aligned(x.shape, x.dtype)
    copy[...] = x
    return copy
