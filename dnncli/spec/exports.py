"""The formats in which a trained network leaves for other programs."""

from dataclasses import dataclass

from dnncli.spec.catalog import Entry


@dataclass(frozen=True)
class Export(Entry):
    """A format: its files' suffix, and the package that writing them needs besides our own."""

    suffix: str = ""
    package: str | None = None


EXPORTS = {
    entry.name: entry
    for entry in (
        Export("onnx", "one graph, from raw columns to classes", suffix=".onnx", package="onnx"),
        Export("torch", "tensors for torch.nn.Sequential", suffix=".safetensors"),
        Export("keras", "variables of a keras.Sequential", suffix=".safetensors"),
        Export("stablehlo", "a program of jax.export for CPU, GPU and TPU", suffix=".stablehlo"),
    )
}
