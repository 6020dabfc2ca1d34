"""Examples on the disk, for sets that are larger than the memory they may take."""
