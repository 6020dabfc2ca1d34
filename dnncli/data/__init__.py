"""Examples to learn from: files in, split and scaled arrays out."""

from dnncli.data.dataset import Dataset, Split
from dnncli.data.features import Scaling
from dnncli.data.loading import load

__all__ = ["Dataset", "Scaling", "Split", "load"]
