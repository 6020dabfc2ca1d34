"""Files: checkpoints, tensors, atomic writes, the cache folder."""
