"""How good a network's answers are: each score with its 95 % interval and what it is held to."""
