"""Networks from elsewhere and for elsewhere: files of PyTorch, Keras and ONNX.

PyTorch holds a kernel as `weight` (out, in), Keras as `kernel` (in, out). Our normalised layers
have no bias and epsilon 0.001; PyTorch's have a bias before them and epsilon 1e-5: the one goes
into the mean, the other into the scale, so that the outputs are the same.
"""

from dnncli.interop.exporters import EXPORTERS, Exporter
from dnncli.interop.importers import knows_its_activation, read
from dnncli.interop.reading import Model
from dnncli.interop.trained import Trained

__all__ = ["EXPORTERS", "Exporter", "Model", "Trained", "knows_its_activation", "read"]
