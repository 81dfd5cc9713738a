"""What training minimises, by name: (network output, ab in Lab units, ...) -> a scalar to descend."""

from photochrom._support.registry import Registry

losses = Registry("loss", "photochrom.losses")
