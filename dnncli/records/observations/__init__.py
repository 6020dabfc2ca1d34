"""What the tour observes: records that are written from the figures of a station's own run.

`shown` says whether the figures show what the chapter says; the sentence for an observation is
another one where they do not. Gradients' ratios are delta_rms of hidden1 over that of the last
hidden layer. Accuracies are shares.
"""
