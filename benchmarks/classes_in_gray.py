"""How many photographs' classes a network's encoder names from L alone, through its layer of the ImageNet classes.

    python benchmarks/classes_in_gray.py PHOTOGRAPHS [--model NAME|FILE] [--sizes 176 224]

For networks `photochrom` with class_colors, alone or in an ensemble; file names or folders carry the synset.
"""

from __future__ import annotations

import argparse
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from photochrom.color import L_CENTER, L_SCALE
from photochrom.evaluation.classes import synset_of
from photochrom.evaluation.sample import truths
from photochrom.formats import is_picture_name
from photochrom.train.export import load_model
from photochrom.upsample import resize


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--sizes", type=int, nargs="+", default=[176, 224], help="short side in pixels")
    arguments = parser.parse_args()
    model, _ = load_model(arguments.model)
    networks = [n for n in getattr(model, "members", {"": model}).values() if getattr(n, "class_colors", None)]
    if not networks:
        parser.error(f"{arguments.model}: no network in it knows classes")
    synsets = (resources.files("photochrom.models") / "imagenet-synsets.txt").read_text().split()
    files = sorted(f for f in arguments.data.rglob("*") if is_picture_name(f) and synset_of(f) in synsets)
    found: dict[tuple[int, int], list[float]] = {}
    for truth in truths(files):
        place = synsets.index(str(synset_of(truth.path)))
        for size in arguments.sizes:
            x = _seen(truth.L, size)
            for i, network in enumerate(networks):
                with torch.inference_mode():
                    log_p = network.class_colors.classes(network.encoder(x)[1])[0].log_softmax(0)
                found.setdefault((i, size), []).append(float(log_p.argmax() == place))
    print("network  size  named")
    for (i, size), hits in found.items():
        print(f"{i + 1:7d}{size:6d}{np.mean(hits):7.1%}")


def _seen(light: np.ndarray, size: int) -> torch.Tensor:
    """L as the network sees it: short side of `size`, padded to what it takes."""
    height, width = light.shape
    scale = size / min(height, width)
    small = resize(light.astype(np.float32), (round(height * scale), round(width * scale)))
    x = (torch.tensor(small)[None, None] - L_CENTER) / L_SCALE
    return F.pad(x, (0, -x.shape[3] % 32, 0, -x.shape[2] % 32), mode="replicate")


if __name__ == "__main__":
    main()
