"""The networks, by name: each takes its settings and the number of outputs, and maps L (n, 1, h, w) to (n, c, i, j).

The input is (L - 50) / 50; the output has 2 channels (ab / 110) for regression or the scores of the bins.
"""

from photochrom.registry import Registry

models = Registry("model", "photochrom.models")
