"""How many photographs' classes a network's encoder names from L alone, through its layer of the ImageNet classes.

    python benchmarks/classes_in_gray.py PHOTOGRAPHS [--model NAME|FILE] [--sizes 176 224]

For networks `photochrom` with class_colors, alone or in an ensemble; file names or folders carry the synset.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from bench import begin, needs, pictures, watched

from photochrom import Colorizer
from photochrom.evaluation.classes import synset_of
from photochrom.evaluation.sample import truths
from photochrom.painting.upsample import resize

with needs("train"):
    import torch

    from photochrom.models.classifier import imagenet_synsets
    from photochrom.train.export import load_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--sizes", type=int, nargs="+", default=[176, 224], help="render sizes")
    arguments = parser.parse_args()
    begin("about a second a photograph")
    model, card = load_model(arguments.model)
    networks = [n for n in getattr(model, "members", {"": model}).values() if getattr(n, "class_colors", None)]
    if not networks:
        parser.error(f"{arguments.model}: no network in it knows classes")
    session = Colorizer(arguments.model)
    synsets = imagenet_synsets()
    files = [f for f in pictures(arguments.data) if synset_of(f) in synsets]
    found: dict[tuple[int, int], list[bool]] = {}
    for truth in watched(truths(files), "photographs", len(files)):
        for size in arguments.sizes:
            width, height = session.network.seen(truth.L.shape, size)
            small = torch.tensor(resize(truth.L.astype(np.float32), (height, width)))
            for i, network in enumerate(networks):
                with torch.inference_mode():
                    _, world = network.answer((small[None, None] - card.l_center) / card.l_scale)
                    place = int(network.class_colors.classes(world).argmax())
                found.setdefault((i, size), []).append(synsets[place] == synset_of(truth.path))
    print("network  size  named")
    for (i, size), hits in found.items():
        print(f"{i + 1:7d}{size:6d}{np.mean(hits):7.1%}")


if __name__ == "__main__":
    main()
