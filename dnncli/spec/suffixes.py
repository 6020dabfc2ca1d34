"""Which files are tables, by their names."""

from pathlib import Path

DELIMITED = (".csv", ".tsv", ".tab", ".txt", ".data", ".dat")
JSON = (".json", ".jsonl", ".ndjson")
PARQUET = (".parquet", ".pq")
ARFF = (".arff",)
SPARSE = (".libsvm", ".svmlight", ".svm")
ARRAY = (".npy",)
SHEETS = (".xlsx", ".xlsm")
ZIPPED = (".zip",)
CONVERTED = (*ARFF, *SPARSE, *ARRAY, *SHEETS)
PACKED = (".gz", ".zst", ".bz2", ".xz")
KINDS = (*DELIMITED, *JSON, *PARQUET, *CONVERTED, *ZIPPED)


def kind(text: str) -> str | None:
    """The suffix that tells what a path or pattern holds, compression aside; None for no table."""
    path = Path(text.lower())
    suffix = Path(path.stem).suffix if path.suffix in PACKED else path.suffix
    return suffix if suffix in KINDS else None


def is_table(text: str) -> bool:
    """Whether a path or pattern names files that are tables."""
    return kind(text) is not None
