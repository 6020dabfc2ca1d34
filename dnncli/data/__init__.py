"""Examples to learn from: files in, split and scaled arrays out."""

from dnncli.data.dataset import Dataset, Scaling, Split
from dnncli.data.loading import load

__all__ = ["Dataset", "Scaling", "Split", "load"]
