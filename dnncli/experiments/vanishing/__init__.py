"""How gradients vanish and explode with depth, before the first step and in training."""
