"""photochrom for torch: its networks as modules, and what turns their scores into colours, with gradients.

Needs the extra `train`. Tensors are (n, c, h, w), as everywhere in torch; L is 0..100, ab are Lab units, `rgb` is sRGB
in 0..1. Each function gives what its namesake for numpy gives.

Example:
    >>> import torch
    >>> gray = torch.full((1, 3, 1, 1), 0.5, requires_grad=True)
    >>> [round(value, 1) + 0 for value in rgb_to_lab(gray).flatten().tolist()]
    [53.4, 0.0, 0.0]
"""

from __future__ import annotations

import os

import torch
from jaxtyping import Float
from torch import Tensor, nn

from photochrom import color
from photochrom.color import AB_SCALE
from photochrom.errors import BadSetting, UnknownName
from photochrom.inference.bins import Bins, ChannelBins
from photochrom.inference.decode import Decoding, saturated
from photochrom.inference.decoders import TEMPERATURE

__all__ = ["annealed_mean", "argmax", "lab_to_rgb", "load_torch", "mean", "rgb_to_lab", "scores_to_ab"]


def load_torch(model: str | os.PathLike[str] = "default") -> nn.Module:
    """A model's network as a plain module, in eval mode on the CPU.

    It maps (L - 50) / 50 (n, 1, h, w) to scores over bins, or to ab / 110; what exactly, its card says. One that takes
    hints maps (n, 4, h, w) as well. Its answer is onnxruntime's within 1e-4.

    Args:
        model: a packaged model's name, a file or folder that `photochrom export` wrote, or a run folder.

    Returns:
        The module, with two attributes: `card` (a `photochrom.inference.card.ModelCard`) and `bins` (the codebook, None
        where the network gives ab).

    Raises:
        UnknownName, BadCheckpoint: no such model, or not one of photochrom.

    Example:
        >>> network = load_torch("default")
        >>> with torch.inference_mode():
        ...     network(torch.zeros(2, 1, 32, 64)).shape
        torch.Size([2, 188, 8, 16])
    """
    from photochrom.train.export import load_model

    network, card = load_model(model)
    network.card, network.bins = card, card.codebook()  # type: ignore[assignment]
    return network


def rgb_to_lab(rgb: Float[Tensor, "*n 3 h w"]) -> Float[Tensor, "*n 3 h w"]:
    """sRGB, 0..1, to CIE Lab: L 0..100, a and b about -128..128. The gradient is finite everywhere, black too.

    Source: IEC 61966-2-1; see `photochrom.color`.
    """
    return color.rgb_to_lab(rgb)


def lab_to_rgb(lab: Float[Tensor, "*n 3 h w"]) -> Float[Tensor, "*n 3 h w"]:
    """CIE Lab to sRGB, clipped to 0..1: a channel that is beyond has no gradient. Finite everywhere, black too.

    Source: IEC 61966-2-1; see `photochrom.color`.
    """
    return color.lab_to_rgb(lab)


def mean(log_probability: Float[Tensor, "n q h w"], values: Float[Tensor, "q d"]) -> Float[Tensor, "n d h w"]:
    """The expected value of a distribution over bins.

    Args:
        log_probability: of each bin.
        values: what each bin stands for, in Lab units for bins of colours.
    """
    return torch.einsum("nqhw,qd->ndhw", log_probability.exp(), values)


def annealed_mean(
    log_probability: Float[Tensor, "n q h w"], values: Float[Tensor, "q d"], temperature: float = TEMPERATURE
) -> Float[Tensor, "n d h w"]:
    """The mean of the distribution sharpened by a temperature: 1 is the mean, towards 0 it becomes `argmax`.

    Args:
        log_probability: of each bin, or scores: what all bins share makes no difference.
        values: what each bin stands for.
        temperature: above 0.

    Raises:
        BadSetting: a temperature that is not above 0.

    Source: Zhang et al. 2016, equation 5 (T = 0.38).
    """
    if not temperature > 0:
        raise BadSetting(f"the temperature must be above 0, not {temperature}")
    return torch.einsum("nqhw,qd->ndhw", (log_probability / temperature).softmax(1), values)


def argmax(
    log_probability: Float[Tensor, "n q h w"], values: Float[Tensor, "q d"], temperature: float = TEMPERATURE
) -> Float[Tensor, "n d h w"]:
    """The value of the most likely bin, with the gradient of `annealed_mean`, as its own is 0 ("straight-through").

    Args:
        log_probability, values, temperature: as `annealed_mean`.

    Source: Bengio, Leonard, Courville, "Estimating or propagating gradients through stochastic neurons", 2013.
    """
    soft = annealed_mean(log_probability, values, temperature)
    hard = values[log_probability.argmax(1)].movedim(3, 1)
    return hard.detach() + (soft - soft.detach())


def scores_to_ab(
    scores: Float[Tensor, "n q h w"], bins: Bins | None, how: Decoding, ab_scale: float = AB_SCALE
) -> Float[Tensor, "n 2 h w"]:
    """`photochrom.inference.decode.scores_to_ab` for tensors, with gradients.

    Args:
        scores: over `bins`, or ab / `ab_scale` (n, 2, h, w) where `bins` is None.
        bins: the codebook of the model: `network.bins`.
        how: `network.card.default_decoding()`, or another one. The smoothing along edges and the agreement are
            no part of it.
        ab_scale: of the card; without bins only.

    Returns:
        ab in Lab units.

    Raises:
        UnknownName: a decoder that has no form in torch: those that draw.
    """
    if bins is None:
        return saturated((scores * ab_scale).movedim(1, 3), how).movedim(3, 1)
    push = how.vividness - how.trained_rebalance
    weights = torch.as_tensor(bins.rebalancing_weights(how.smoothing)).log().to(scores) * push
    values = torch.as_tensor(bins.values).to(scores)
    if isinstance(bins, ChannelBins):
        both = (scores.unflatten(1, (2, bins.k)) + weights[..., None, None]).log_softmax(2)
        ab = torch.cat([_decoded(both[:, c], values[c][:, None], how) for c in (0, 1)], 1)
    else:
        ab = _decoded((scores + weights[:, None, None]).log_softmax(1), values, how)
    return saturated(ab.movedim(1, 3), how).movedim(3, 1)


def _decoded(log_probability: Tensor, values: Tensor, how: Decoding) -> Tensor:
    match how.decoder:
        case "mean":
            return mean(log_probability, values)
        case "annealed_mean":
            return annealed_mean(log_probability, values, how.temperature)
        case "argmax":
            return argmax(log_probability, values, how.temperature)
        case other:
            raise UnknownName(f"the decoder '{other}' has no form in torch; there are: annealed_mean, argmax, mean")
