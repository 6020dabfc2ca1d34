"""A trained network as a program of StableHLO that `jax.export` loads, for every kind of device.

The file begins with the program, a flatbuffer, and ends with a ZIP archive of what the program
lacks: columns, classes or targets, and the program's SHA-256. Programs for either format read it,
flatbuffers from a file's start and archives from its end, as TensorFlow Lite's do.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import export
from jaxtyping import Array, Float, Float32, UInt8

from dnncli.errors import CheckpointError
from dnncli.interop.recipes import ABOUT_FILE
from dnncli.interop.trained import Trained
from dnncli.nn import network

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")
LARGEST = 2_000_000_000  # bytes; a flatbuffer holds less than 2 GiB
PRECISION = "highest"  # a GPU or TPU would round factors to 10 or 7 bits
LOCATIONS = "jax_traceback_in_locations_limit"


def serialise(trained: Trained) -> bytes:
    """The file's bytes. Raises CheckpointError where the network is too large for one."""
    size = sum(layer.kernel.size for layer in trained.network.parameters) * 4
    if size > LARGEST:
        raise CheckpointError(
            "a file of StableHLO holds at most 2 GB, and the network's weights take"
            f" {size / 1e9:.1f}: choose another format."
        )
    program = bytes(_exported(trained).serialize())
    about = trained.about() | {"program": _description(program)}
    file = io.BytesIO()
    file.write(program)
    with zipfile.ZipFile(file, "a") as archive:
        # A ZipInfo has a date of its own: the same network gives the same bytes.
        archive.writestr(zipfile.ZipInfo(ABOUT_FILE), json.dumps(about, allow_nan=False))
    return file.getvalue()


def _description(program: bytes) -> dict[str, Any]:
    """What to check the program by, and what wrote it."""
    return {
        "bytes": len(program),
        "sha256": hashlib.sha256(program).hexdigest(),
        "platforms": list(PLATFORMS),
        "jax": jax.__version__,
    }


def _exported(trained: Trained) -> export.Exported:
    """The program from unscaled rows, as many as there are, to probabilities or outputs."""

    def answers(x: Any) -> Any:
        return _answers(trained, x)

    (rows,) = export.symbolic_shape("rows")
    shape = trained.image or (trained.features,)
    dtype = np.uint8 if trained.image else np.float32
    given = jax.ShapeDtypeStruct((rows, *shape), dtype)
    with jax.default_matmul_precision(PRECISION), _without_locations():
        return export.export(jax.jit(answers), platforms=PLATFORMS)(given)


@contextmanager
def _without_locations() -> Iterator[None]:
    """Leave out where operations come from: paths of the machine that exports."""
    before = getattr(jax.config, LOCATIONS)
    jax.config.update(LOCATIONS, 0)
    try:
        yield
    finally:
        jax.config.update(LOCATIONS, before)


def _answers(
    trained: Trained, x: Float32[Array, "rows features"] | UInt8[Array, "rows height width"]
) -> Float[Array, "rows outputs"]:
    """Probabilities of the classes; of a regression the standardised targets."""
    scaling = trained.scaling
    flat = x.reshape(x.shape[0], trained.features).astype(jnp.float32)
    if scaling.source is not None:
        flat = flat[:, scaling.source]
    z = (flat - scaling.offset[None]) / scaling.scale[None]
    if scaling.source is not None:
        low, high = scaling.ends
        z = jnp.clip(z, low[None], high[None])
    elif scaling.limit is not None:
        # As `Scaling.apply`: the square of a far value may overflow, the hypotenuse does not.
        z = z / jnp.hypot(jnp.float32(1), z / scaling.limit[None])
    parameters, statistics = jax.tree.map(jnp.asarray, trained.network)
    outputs, _ = network.apply(trained.spec, parameters, z, statistics=statistics)
    return outputs if trained.numbers is not None else jax.nn.softmax(outputs)
