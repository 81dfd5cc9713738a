"""From a distribution over bins to one colour, by name: (log-probabilities (q, h, w), values (q, d)) -> (h, w, d)."""

from photochrom._support.registry import Registry

decoders = Registry("decoder", "photochrom.inference.decoders")

# Of the annealed mean, wherever nothing else is said. Source: Zhang et al. 2016, equation 5.
TEMPERATURE = 0.38
