"""What training minimises, by name: (network output, ab in Lab units) -> a scalar to descend.

A loss is a `torch.nn.Module` whose class says what it is:

    classifies: True for one over bins, made as `kind(bins, sigma, weights)`; False for one on ab, made as `kind()`,
        whose input is ab / 110.
    Settings: a frozen dataclass, where it has settings of its own: the recipe's [loss.settings], or those of its entry
        [[loss.added]]. It is then made with the keyword `settings`.
    sees_light: True for one that is added only, and is called with L, 0..100, as its third argument.
"""

from photochrom._support.registry import Registry

losses = Registry("loss", "photochrom.losses")
