"""A collection that fits into memory: decoded once, and cut, mirrored and degraded a batch at a time on the device.

A picture is kept in 8 bits with so many pixels that the smallest piece that a sample may show still has the sample's
size. Which piece a sample shows, and how it is worn, is what `Sampler` chooses, by the same random numbers: they depend
on the seed, the epoch and the picture alone. Only the noise comes from the device's own generator, by seed and step. A
`Sampler` draws that from the same numbers, too, so that `cutmix`, which draws after it, may paste something else into
a noisy sample here than there. Cutting out, resizing and blurring are linear along rows and along columns, so on a GPU
each sample is two matrices around its picture.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d
from torch.utils.data import DataLoader, Dataset

from photochrom import color
from photochrom._support.machine import memory_left
from photochrom._support.processes import usable_cores
from photochrom.data import remote
from photochrom.data.config import DataConfig
from photochrom.data.entries import Entry
from photochrom.data.loader import Halves, Order, begin_worker
from photochrom.data.samples import Piece, Sampler, Wear, decode_entry, dimensions, paste
from photochrom.errors import BadDataset, OutOfMemory

SHARE = 0.7  # of what is free; the rest is the network's
_LEAST_MARGIN = 2.0  # pixels kept for each one of a sample; edges are then within 1 % of as sharp as the sampler's
_LOOKED_AT = 256  # pictures whose headers are read for an estimate
_BLOCK = 128  # pictures that are decoded, and kept, together
_WORTH_A_PROCESS = 4  # blocks; fewer are decoded before another process has begun


def kept_size(size: tuple[int, int], config: DataConfig) -> tuple[int, int]:
    """Width and height at which a picture of `size` is kept; it is never enlarged.

    Example:
        >>> kept_size((4000, 3000), DataConfig(size=128, scale=(0.5, 1.0), ratio=1.0))
        (209, 157)
        >>> kept_size((100, 80), DataConfig(size=128))
        (100, 80)
    """
    if config.whole:
        return config.size, config.size
    # What is resized twice stays sharp only where the first copy is the larger one by some margin.
    pixels = config.size**2 * max(config.ratio / config.scale[0], _LEAST_MARGIN)
    factor = min(1.0, math.sqrt(pixels / (size[0] * size[1])))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


@dataclass(frozen=True)
class Need:
    """How much memory a collection takes.

    Attributes:
        pictures: how many there are.
        bytes: that they take, estimated from the headers of some of them.
        free: bytes that are free on the device; None where that is not known.
        device: where.
    """

    pictures: int
    bytes: int
    free: int | None
    device: str

    def __str__(self) -> str:
        free = "" if self.free is None else f" of {_amount(self.free)} that are free"
        return f"{self.pictures} pictures take about {_amount(self.bytes)} in memory{free} ({self.device})"


def _amount(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{math.ceil(size / 1e6)} MB"


def check_memory(entries: Sequence[Entry], config: DataConfig, device: torch.device, processes: int = 1) -> Need:
    """Estimate what a collection takes on a device.

    Args:
        entries: the pictures.
        config: what is made of them.
        device: where they shall be.
        processes: how many keep them; on GPUs each has its own memory.

    Raises:
        OutOfMemory: it does not fit.
        BadDataset: a picture cannot be read.
    """
    some = [entries[i] for i in np.linspace(0, len(entries) - 1, min(_LOOKED_AT, len(entries))).astype(int)]
    sizes = [kept_size(dimensions(entry.read(), f"{entry.path}: {entry.key}"), config) for entry in some]
    each = 3 * sum(width * height for width, height in sizes) / len(sizes)
    shared = processes if device.type == "cpu" else 1
    need = Need(len(entries), int(each * len(entries) * shared), _free(device), str(device))
    if need.free is not None and need.bytes > SHARE * need.free:
        raise OutOfMemory(
            f"data.cache is 'memory', but {need}, and {1 - SHARE:.0%} are for the network; "
            "name fewer pictures, lower data.size, or set data.cache=false"
        )
    return need


class _Decoded(Dataset["_Block | BadDataset"]):
    """The pictures of a collection at the size at which they are kept, `_BLOCK` of them at a time.

    Decoding takes processes, since not every decoder of Pillow's lets other threads run.
    """

    def __init__(self, entries: Sequence[Entry], config: DataConfig) -> None:
        self.entries, self.config = entries, config

    def __len__(self) -> int:
        return -(-len(self.entries) // _BLOCK)

    def __getitem__(self, number: int) -> _Block | BadDataset:  # type: ignore[override]
        entries = [self.entries[i] for i in range(_BLOCK * number, min(_BLOCK * (number + 1), len(self.entries)))]
        try:
            made = [self._decoded(entry, data) for entry, data in zip(entries, remote.fetch(entries), strict=True)]
        except BadDataset as error:
            return error
        kept = np.array([pixels.shape[1::-1] for _, pixels in made])
        pixels = np.concatenate([pixels.reshape(-1) for _, pixels in made])
        return np.array([size for size, _ in made]), kept, torch.from_numpy(pixels)

    def blocks(self) -> Iterable[_Block | BadDataset]:
        """All of them in order, made by as many processes as there are cores."""
        workers = min(usable_cores(), len(self) // _WORTH_A_PROCESS)
        return DataLoader(
            self,
            batch_size=None,
            collate_fn=_as_they_are,
            num_workers=workers,
            worker_init_fn=begin_worker,
            generator=torch.Generator(),
        )

    def _decoded(self, entry: Entry, data: bytes | None) -> tuple[tuple[int, int], np.ndarray]:
        image = decode_entry(entry, 4 * self.config.size, data)
        # It is resized once more, by BILINEAR, as the sampler does; a sharper filter before leaves it as sharp as once.
        how = Image.Resampling.BILINEAR if self.config.whole else Image.Resampling.LANCZOS
        small = image.resize(kept_size(image.size, self.config), how, reducing_gap=2.0)
        return image.size, np.asarray(small)


_Block = tuple[np.ndarray, np.ndarray, Tensor]  # sizes as decoded and as kept (n, 2), and all pixels one after another


def _as_they_are(block: Any) -> Any:
    return block


class Memory:
    """The pictures of a collection, decoded.

    Args:
        entries: the pictures.
        sampler: chooses what samples show.
        device: where the pictures are kept and samples are made.
        seed: of the run.

    Raises:
        BadDataset: a picture cannot be read.
    """

    def __init__(self, entries: Sequence[Entry], sampler: Sampler, device: torch.device, seed: int) -> None:
        self.sampler, self.device, self.seed = sampler, device, seed
        self.whole = np.empty((len(entries), 2), np.int64)  # width and height as decoded
        self.kept = np.empty((len(entries), 2), np.int64)
        self.places = np.empty((len(entries), 2), np.int64)  # block, offset
        self.blocks: list[Tensor] = []
        self._softenings: dict[int, Tensor] = {}
        self._fill(_Decoded(entries, sampler.config))

    def _fill(self, decoded: _Decoded) -> None:
        first = 0
        for block in decoded.blocks():
            if isinstance(block, BadDataset):
                raise block
            whole, kept, pixels = block
            ours = slice(first, first := first + len(whole))
            self.whole[ours], self.kept[ours] = whole, kept
            ends = 3 * np.cumsum(kept[:, 0] * kept[:, 1])
            self.places[ours] = np.stack([np.full(len(ends), len(self.blocks)), np.append(0, ends[:-1])], 1)
            self.blocks.append(pixels.to(self.device))

    def __len__(self) -> int:
        return len(self.whole)

    def samples(self, places: Sequence[tuple[int, int]], noise: int) -> tuple[Tensor, Tensor]:
        """L (n, 1, s, s) and ab (n, 2, s/stride, s/stride) of (epoch, index) pairs, on the device.

        Args:
            places: as `Order` gives them.
            noise: seed of the noise.
        """
        config, generator = self.sampler.config, torch.Generator(self.device).manual_seed(noise)
        rngs = [np.random.default_rng((self.seed, epoch, index)) for epoch, index in places]
        indices = [index for _, index in places]
        light, ab = self._made(indices, rngs, generator)
        mixed = [i for i, rng in enumerate(rngs) if rng.random() < config.cutmix]
        if mixed:
            others = [int(rngs[i].integers(len(self))) for i in mixed]
            other = self._made(others, [rngs[i] for i in mixed], generator)
            for i, *pasted in zip(mixed, *other, strict=True):
                paste((light[i], ab[i]), (pasted[0], pasted[1]), rngs[i])
        return light, ab

    def _made(
        self, indices: Sequence[int], rngs: Sequence[np.random.Generator], generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        config = self.sampler.config
        pieces = [self._piece(index, rng) for index, rng in zip(indices, rngs, strict=True)]
        rgb = self._cut(indices, pieces)
        ab = color.rgb_to_lab(_levels(avg_pool2d(rgb, self.sampler.stride)) / 255)[:, 1:]
        light = _lightness(rgb)
        worn = [i for i, piece in enumerate(pieces) if piece.wear]
        if worn:
            wears = [wear for piece in pieces if (wear := piece.wear)]
            light[worn] = _worn(rgb[worn], wears, config.size, generator)
        return light, ab

    def _piece(self, index: int, rng: np.random.Generator) -> Piece:
        width, height = (int(side) for side in self.whole[index])
        return self.sampler.choose((width, height), rng)

    def _cut(self, indices: Sequence[int], pieces: Sequence[Piece]) -> Float[Tensor, "n 3 s s"]:
        """The pieces of the samples' size, in whole levels, 0..255."""
        factors = self.kept[list(indices)] / self.whole[list(indices)]
        boxes = np.array([piece.box for piece in pieces]) * np.tile(factors, 2)
        rgb = self._by_pillow(indices, boxes) if self.device.type == "cpu" else self._by_matrices(indices, boxes)
        mirrored = [i for i, piece in enumerate(pieces) if piece.mirrored]
        rgb[mirrored] = rgb[mirrored].flip(-1)
        soft = {i: piece.soft for i, piece in enumerate(pieces) if piece.soft}
        if soft:
            across, down = (torch.stack([self._softening(small[axis]) for small in soft.values()]) for axis in (0, 1))
            rgb[list(soft)] = _levels(_between(down, rgb[list(soft)], across))
        return rgb

    def _softening(self, small: int) -> Tensor:
        if small not in self._softenings:
            self._softenings[small] = _softening(small, self.sampler.config.size).to(self.device)
        return self._softenings[small]

    def _picture(self, index: int) -> Tensor:
        """A picture (h, w, 3) uint8."""
        (w, h), (block, offset) = self.kept[index].tolist(), self.places[index].tolist()
        return self.blocks[block][offset : offset + 3 * w * h].view(h, w, 3)

    def _by_pillow(self, indices: Sequence[int], boxes: np.ndarray) -> Float[Tensor, "n 3 s s"]:
        """On CPUs Pillow is several times faster than dense matrices."""
        size, how = self.sampler.config.size, Image.Resampling.BILINEAR
        pictures = (Image.fromarray(self._picture(index).numpy()) for index in indices)
        cut = [np.asarray(p.resize((size, size), how, box=tuple(b))) for p, b in zip(pictures, boxes, strict=True)]
        return torch.from_numpy(np.stack(cut)).permute(0, 3, 1, 2).float().contiguous()

    def _by_matrices(self, indices: Sequence[int], boxes: np.ndarray) -> Float[Tensor, "n 3 s s"]:
        """The same in a few large products."""
        size, kept = self.sampler.config.size, self.kept[list(indices)]
        low, high = boxes[:, :2], boxes[:, 2:]
        # Only what the boxes and the filter around them reach is taken.
        reach = np.maximum((high - low) / size, 1) + 1
        first = np.maximum(np.floor(low - reach), 0).astype(np.int64)
        last = np.minimum(np.ceil(high + reach), kept).astype(np.int64)
        width, height = (int(side) for side in (last - first).max(0))
        parts = torch.zeros(len(indices), 3, height, width, device=self.device)
        for i, index in enumerate(indices):
            (x, y), (right, below) = first[i].tolist(), last[i].tolist()
            picture = self._picture(index)[y:below, x:right].permute(2, 0, 1)
            parts[i, :, : below - y, : right - x] = picture
        low, high, length = (torch.from_numpy(x).to(self.device) for x in (low - first, high - first, last - first))
        across = _resizing(low[:, 0], high[:, 0], length[:, 0], size, width)
        down = _resizing(low[:, 1], high[:, 1], length[:, 1], size, height)
        return _levels(_between(down, parts, across))


def batches(memory: Memory, order: Order | Halves, rank: int = 0) -> Generator[tuple[Tensor, Tensor]]:
    """The samples of each step, on the device.

    Args:
        memory: the pictures.
        order: which of them.
        rank: of the process among those that share a batch.
    """
    made = _made(memory, order, rank)
    return made if memory.device.type == "cpu" else _ahead(made)


def _made(memory: Memory, order: Order | Halves, rank: int) -> Generator[tuple[Tensor, Tensor]]:
    for step, places in enumerate(order, order.start):
        noise = np.random.SeedSequence((memory.seed, step, rank)).generate_state(1, np.uint64)[0]
        yield memory.samples(places, int(noise) >> 1)


def _ahead(made: Generator[tuple[Tensor, Tensor]]) -> Generator[tuple[Tensor, Tensor]]:
    """The same, each batch begun while the one before is in use: choosing keeps a core busy."""
    with closing(made), ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(next, made, None)
        while (batch := waiting.result()) is not None:
            waiting = thread.submit(next, made, None)
            yield batch


def _between(down: Tensor, picture: Tensor, across: Tensor) -> Tensor:
    """Rows mixed by `down` (n, s, h) and columns by `across` (n, s, w), of pictures (n, 3, h, w)."""
    return down.unsqueeze(-3) @ picture @ across.unsqueeze(-3).mT


def _levels(rgb: Tensor) -> Tensor:
    """Whole levels, as 8 bits hold them."""
    return rgb.clamp(0, 255).round()


def _lightness(rgb: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n 1 s s"]:
    """L, 0..100, of whole levels: Y by a table, which is several times faster than powers."""
    levels = torch.arange(256, dtype=torch.float64) / 255
    linear = color.srgb_to_linear(levels).float().to(rgb.device)[rgb.int()]
    luminance = sum(share * linear[:, i : i + 1] for i, share in enumerate(color.LUMINANCE))
    return color.luminance_to_lightness(luminance)


def _resizing(
    low: Float[Tensor, "n"], high: Float[Tensor, "n"], length: Tensor, size: int, most: int
) -> Float[Tensor, "n s m"]:
    """The weights by which Pillow's BILINEAR takes `size` pixels from low to high of pictures that are `length` long.

    Source: Pillow's Resample.c: a triangle as wide as two pixels of the result or of the picture, the larger.
    """
    low, high, length = (x.float()[:, None, None] for x in (low, high, length))
    scale = (high - low) / size
    steps = torch.arange(size, device=low.device)[None, :, None] + 0.5
    pixels = torch.arange(most, device=low.device)[None, None] + 0.5
    weights = (1 - ((pixels - low - steps * scale) / scale.clamp(min=1)).abs()).clamp(min=0) * (pixels < length)
    return weights / weights.sum(-1, keepdim=True)


def _softening(small: int, size: int) -> Float[Tensor, "s s"]:
    """The weights that shrink a side of `size` to `small` pixels by BILINEAR and enlarge it again by BICUBIC."""
    low, high = torch.zeros(1), torch.full((1,), size)
    down = _resizing(low, high, high, small, size)[0]
    steps = (torch.arange(size)[:, None] + 0.5) * small / size
    away = (torch.arange(small)[None] + 0.5 - steps).abs()
    # Keys's kernel with a = -0.5, as Pillow has it.
    near, far = (1.5 * away - 2.5) * away**2 + 1, ((-0.5 * away + 2.5) * away - 4) * away + 2
    up = torch.where(away < 1, near, torch.where(away < 2, far, 0.0))
    return (up / up.sum(-1, keepdim=True)) @ down


def _blurring(radii: Float[Tensor, "n"], size: int) -> Float[Tensor, "n s s"]:
    """The weights of a Gaussian of each radius; 0 leaves a picture as it is. Borders are repeated, as by Pillow."""
    reach = 4  # pixels; the radii are at most 1.2
    steps = torch.arange(-reach, reach + 1, device=radii.device)
    kernels = torch.exp(-0.5 * (steps / radii.clamp(min=1e-3)[:, None]) ** 2)
    kernels = kernels / kernels.sum(1, keepdim=True)
    places = torch.arange(size, device=radii.device)
    weights = torch.zeros(len(radii), size, size, device=radii.device)
    for step, share in zip(range(-reach, reach + 1), kernels.T, strict=True):
        weights[:, places, (places + step).clamp(0, size - 1)] += share[:, None]
    return weights


def _worn(
    rgb: Float[Tensor, "n 3 s s"], wears: Iterable[Wear], size: int, generator: torch.Generator
) -> Float[Tensor, "n 1 s s"]:
    """L of pieces as `Wear.light` makes it, 0..100."""
    wears = list(wears)

    def each(values: Iterable[float]) -> Tensor:
        return torch.tensor(list(values), dtype=torch.float32, device=rgb.device).view(-1, 1, 1, 1)

    blurs = _blurring(each(w.blur for w in wears).flatten(), size)
    blurred = _levels(_between(blurs, rgb, blurs))
    light = _lightness(blurred)
    plates = np.array([np.zeros(3, np.float32) if w.plate is None else w.plate for w in wears])
    gray = torch.einsum("nchw,nc->nhw", blurred, torch.from_numpy(plates).to(rgb))[:, None] / 255
    share = each(0.0 if w.plate is None else 0.6 for w in wears)
    light = light * (1 - share) + share * color.gray_to_lightness(gray)
    light = 100 * (light / 100).clamp(0, 1) ** each(w.gamma for w in wears)
    low, high = each(w.low for w in wears), each(w.high for w in wears)
    light = low + light * ((high - low) / 100)
    noise = torch.randn(light.shape, generator=generator, device=light.device)
    return (light + each(w.noise for w in wears) * noise).clamp(0, 100)


def _free(device: torch.device) -> int | None:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return memory_left()
