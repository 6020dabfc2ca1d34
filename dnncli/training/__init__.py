"""The compiled epoch and what drives it: plans, seeds, phases, early stopping, snapshots."""
