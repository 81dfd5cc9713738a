"""From a distribution over bins to one colour, by name: (log-probabilities (q, h, w), values (q, d)) -> (h, w, d)."""

from photochrom.registry import Registry

decoders = Registry("decoder", "photochrom.decoders")
