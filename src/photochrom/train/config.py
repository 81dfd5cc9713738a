"""Recipes: one TOML file an experiment; every field can be overridden by its dotted name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from photochrom._support.settings import Checked, Range, check
from photochrom._support.text import either
from photochrom.data.config import DataConfig
from photochrom.inference.decode import (
    AGREEMENT,
    CHROMA_GAMMA,
    CHROMA_KNEE,
    REBALANCE,
    RENDER_SIZE,
    SATURATION,
    SMOOTH_RADIUS,
    SMOOTHING,
    TEMPERATURES,
    VIVIDNESS,
    Decoding,
)
from photochrom.inference.decoders import decoders
from photochrom.train.trackers import trackers


@dataclass(frozen=True)
class ModelConfig:
    """Which network.

    Attributes:
        name: a network of `photochrom.models`, or "initial" for the network of the model that --init names; an
            unknown name is answered with those there are.
        settings: the model's own settings; what is left out keeps the model's default.
    """

    name: str = "photochrom"
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskConfig:
    """Which kind of training.

    Attributes:
        name: a task of `photochrom.train.tasks`; an unknown name is answered with those there are.
        settings: the task's own settings; what is left out keeps the task's default.
    """

    name: str = "supervised"
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BinsConfig(Checked, where="bins"):
    """How colours become classes; without effect for regression losses.

    Attributes:
        kind: "joint" (a codebook over ab pairs), "equal" or "quantile" (a and b by themselves).
        count: bins a channel, for "equal" and "quantile".
        step: side of a cell of the codebook, Lab units, for "joint".
        sigma: width of the soft encoding, Lab units; 0 encodes one bin only (joint bins round ab to whole units first).
        samples: how many training pictures are looked at to fit values and frequencies.
    """

    kind: Literal["joint", "equal", "quantile"] = "joint"
    count: Annotated[int, Range(2, 1000)] = 10
    step: Annotated[float, Range(1, 50)] = 10.0
    sigma: Annotated[float, Range(0, 50)] = 5.0
    samples: Annotated[int, Range(1)] = 2000


@dataclass(frozen=True)
class AddedLoss(Checked, where="loss.added"):
    """A loss beside the main one; an entry [[loss.added]].

    Attributes:
        name: a registered loss.
        weight: how much it counts beside the main one.
        settings: the loss's own settings; what is left out keeps the loss's default.
    """

    name: str
    weight: Annotated[float, Range(0, 1e6, above=True)] = 1.0
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LossConfig(Checked, where="loss"):
    """What is minimised.

    Attributes:
        name: a registered loss.
        rebalance: how much of the rare colours' extra weight goes into training: 0 none, 1 all of it.
        smoothing: share of the uniform distribution in the rebalancing (lambda of Zhang et al.), above 0 to 1.
        settings: the loss's own settings; what is left out keeps the loss's default.
        added: losses that are minimised with it, each of another name.
    """

    name: str = "cross_entropy"
    rebalance: Annotated[float, REBALANCE] = Decoding.trained_rebalance
    smoothing: Annotated[float, SMOOTHING] = Decoding.smoothing
    settings: dict[str, Any] = field(default_factory=dict)
    added: tuple[AddedLoss, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        names = [entry.name for entry in self.added]
        for name in names:
            check(names.count(name) == 1, "loss.added", names, "a list of different losses")


@dataclass(frozen=True)
class OptimConfig(Checked, where="optim"):
    """How the weights move.

    Attributes:
        name: "adamw", "adam", "nadam" or "sgd" (Nesterov momentum 0.9).
        lr: learning rate of what starts from nothing.
        encoder_lr: learning rate of what starts pretrained, as a share of `lr`.
        encoder_from: the step at which the pretrained part starts to learn; until then it is frozen.
        betas: Adam's two decay rates.
        weight_decay: decoupled for adamw, L2 for the others.
        schedule: "constant", "cosine" (to `lr_end` over the run) or "plateau" (times `factor` when the mean
            training loss has not improved for more than `patience` evaluations in a row).
        warmup: steps over which the rate rises from 0.
        lr_end: where cosine ends and plateau stops, as a share of `lr`.
        factor: what plateau multiplies by.
        patience: evaluations that plateau waits.
        clip: largest norm of the gradient; 0 never clips.
    """

    name: Literal["adamw", "adam", "nadam", "sgd"] = "adamw"
    lr: Annotated[float, Range(0, 10, above=True)] = 2e-3
    encoder_lr: Annotated[float, Range(0, 10)] = 0.15
    encoder_from: Annotated[int, Range(0)] = 0
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: Annotated[float, Range(0)] = 0.01
    schedule: Literal["constant", "cosine", "plateau"] = "cosine"
    warmup: Annotated[int, Range(0)] = 100
    lr_end: Annotated[float, Range(0, 1)] = 0.01
    factor: Annotated[float, Range(0, 1, above=True, below=True)] = 0.1
    patience: Annotated[int, Range(0)] = 3
    clip: Annotated[float, Range(0)] = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check(all(0 <= b < 1 for b in self.betas), "optim.betas", self.betas, "two rates of at least 0 and below 1")


@dataclass(frozen=True)
class RunConfig(Checked, where="run"):
    """How long and how often.

    Attributes:
        steps: optimiser steps.
        batch: samples a step.
        accumulate: parts in which a batch goes through the network, when memory is short.
        seed: the one seed of weights, order and augmentation.
        precision: "fp32", "bf16" (autocast; the weights stay in 32 bits), or "auto": bf16 where the processor is quick
            at it, and fp32 elsewhere, where bf16 is several times slower. The run folder says which it was.
        ema: decay of the weights' moving average, which is what is evaluated and exported; 0 keeps none.
        log_every: steps between rows of the log.
        eval_every: steps between evaluations on the validation pictures.
        checkpoint_every: steps between checkpoints.
        trackers: what shows the log beside log.csv: "tensorboard", "mlflow", "wandb", or a plug-in's; none is [].
    """

    steps: Annotated[int, Range(1)] = 10_000
    batch: Annotated[int, Range(1)] = 32
    accumulate: Annotated[int, Range(1)] = 1
    seed: Annotated[int, Range(0, 2**63, below=True)] = 0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    ema: Annotated[float, Range(0, 1, below=True)] = 0.999
    log_every: Annotated[int, Range(1)] = 50
    eval_every: Annotated[int, Range(1)] = 1000
    checkpoint_every: Annotated[int, Range(1)] = 500
    trackers: tuple[str, ...] = ("tensorboard",)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.trackers:
            known = name in trackers and self.trackers.count(name) == 1
            check(known, "run.trackers", list(self.trackers), f"some of {', '.join(trackers)}, each once")
        check(self.batch % self.accumulate == 0, "run.accumulate", self.accumulate, "a divisor of run.batch")


@dataclass(frozen=True)
class DecodeConfig(Checked, where="decode"):
    """How the finished model turns scores into colour; the defaults that its card carries.

    Attributes:
        decoder: a registered decoder.
        temperature: of the annealed mean and of sampling.
        vividness: 0 the colours as frequent as in the training pictures, 1 rare and common ones alike.
        saturation: factor on ab.
        chroma_gamma: power of the chroma, as a share of the picture's mean; see `photochrom.inference.decode.Decoding`.
        chroma_knee: mean chroma of a picture from which on it grows less; see `Decoding`.
        smooth_radius: of the windows in which ab is made even where L is, points of the network's map; 0 leaves it.
        agreement: how much points that look alike decide together; see `Decoding`.
        render_size: the side, in pixels, of the square whose area the network sees.
        mirror: the network also sees the mirrored picture, and the mean of both answers counts.
    """

    decoder: str = Decoding.decoder
    temperature: Annotated[float, TEMPERATURES] = Decoding.temperature
    vividness: Annotated[float, VIVIDNESS] = Decoding.vividness
    saturation: Annotated[float, SATURATION] = Decoding.saturation
    chroma_gamma: Annotated[float, CHROMA_GAMMA] = Decoding.chroma_gamma
    chroma_knee: Annotated[float, CHROMA_KNEE] = Decoding.chroma_knee
    smooth_radius: Annotated[int, SMOOTH_RADIUS] = Decoding.smooth_radius
    agreement: Annotated[float, AGREEMENT] = Decoding.agreement
    render_size: Annotated[int, RENDER_SIZE] = 192
    mirror: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.decoder not in decoders:
            check(False, "decode.decoder", self.decoder, either(decoders))


@dataclass(frozen=True)
class Recipe:
    """An experiment, whole.

    Attributes:
        title: one line that says what it is for.
    """

    title: str = ""
    task: TaskConfig = field(default_factory=TaskConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    bins: BinsConfig = field(default_factory=BinsConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    data: DataConfig = field(default_factory=DataConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    run: RunConfig = field(default_factory=RunConfig)
    decode: DecodeConfig = field(default_factory=DecodeConfig)

    def decoding(self) -> Decoding:
        """How the finished model's scores become colour."""
        how, loss = self.decode, self.loss
        return Decoding(
            how.decoder,
            how.temperature,
            how.vividness,
            loss.rebalance,
            loss.smoothing,
            how.saturation,
            how.chroma_gamma,
            how.chroma_knee,
            how.smooth_radius,
            how.agreement,
        )
