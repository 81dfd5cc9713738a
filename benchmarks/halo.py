"""How much more the colours err beside strong edges of L than elsewhere: what a halo around a figure costs.

    python benchmarks/halo.py DIR [--model MODEL] [--render-size N]

Photographs are shrunk to a short side of 384 pixels. Near an edge is what lies within 8 pixels of a point where L
changes by more than 5 a pixel (the gradient of a Gaussian of 1.5 pixels). Printed are the mean error of ab in Lab units
near edges and elsewhere and their ratio, for gray and for the model: colours vary more beside edges, so gray has a
ratio above 1 too, and the quotient of the two ratios is what the model itself adds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from bench import begin, needs, watched
from PIL import Image

from photochrom import Colorizer, color
from photochrom.data.samples import decode_entry
from photochrom.data.sources import list_pictures

with needs("dev"):
    from scipy.ndimage import distance_transform_edt, gaussian_gradient_magnitude

SIDE, SIGMA, STEEP, REACH = 384, 1.5, 5.0, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--render-size", type=int)
    arguments = parser.parse_args()
    begin("about a second a photograph")
    session = Colorizer(arguments.model, render_size=arguments.render_size)
    errors: dict[str, list[tuple[float, float]]] = {"gray": [], "ours": []}
    entries = list_pictures([arguments.data])
    for entry in watched(entries, "photographs", len(entries)):
        lab = color.rgb_to_lab(np.asarray(shrunk(decode_entry(entry, SIDE)), np.float32) / 255).astype(np.float32)
        near = near_edges(lab[..., 0])
        if not near.any() or near.all():
            continue
        ours = session.ab(np.ascontiguousarray(lab[..., 0]))
        for name, ab in (("gray", 0 * ours), ("ours", ours)):
            error = np.hypot(*np.moveaxis(ab - lab[..., 1:], -1, 0))
            errors[name].append((error[near].mean(), error[~near].mean()))
    print(f"{len(errors['gray'])} photographs\n{'':<8}{'near':>8}{'elsewhere':>11}{'ratio':>8}")
    ratios = {}
    for name, found in errors.items():
        near_edge, elsewhere = np.mean(found, 0)
        ratios[name] = near_edge / elsewhere
        print(f"{name:<8}{near_edge:>8.2f}{elsewhere:>11.2f}{ratios[name]:>8.3f}")
    print(f"ours over gray: {ratios['ours'] / ratios['gray']:.3f}")


def shrunk(image: Image.Image) -> Image.Image:
    """The picture with a short side of at most `SIDE`."""
    scale = min(1.0, SIDE / min(image.size))
    return image.resize([round(n * scale) for n in image.size], Image.Resampling.BOX)


def near_edges(light: np.ndarray) -> np.ndarray:
    """Whether a point of L (h, w) is near a strong edge, bool (h, w)."""
    edges = gaussian_gradient_magnitude(light, SIGMA) > STEEP
    return distance_transform_edt(~edges) <= REACH if edges.any() else edges


if __name__ == "__main__":
    main()
