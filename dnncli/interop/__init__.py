"""External models: stacks of linear layers as PyTorch and Keras store them, read and written.

PyTorch holds a kernel as `weight` (out, in), Keras as `kernel` (in, out). Our normalised layers
have no bias and epsilon 0.001; PyTorch's have a bias before them and epsilon 1e-5: the one goes
into the mean, the other into the scale, so that the outputs are the same.
"""

from dnncli.interop.reading import Model, read
from dnncli.interop.writing import FRAMEWORKS, export, recipe

__all__ = ["FRAMEWORKS", "Model", "export", "read", "recipe"]
