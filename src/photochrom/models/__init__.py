"""The networks, by name: each takes its settings and the number of outputs, and maps L (n, 1, h, w) to (n, c, i, j).

The input is (L - 50) / 50, or what the card says instead of 50; the output has 2 channels (ab / 110) for regression or
the scores of the bins. A network's class has `Settings`; its objects have `settings`, `multiple` (its input's sides are
multiples of this), `stride` (input pixels a side for each output) and `size`: the side of the squares that it is bound
to, None where any size will do. One that drops channels at use, too, has a buffer `variation` of ones and takes other
factors instead of it as its second input.
"""

from photochrom._support.registry import Registry

models = Registry("model", "photochrom.models")
