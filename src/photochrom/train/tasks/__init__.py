"""Kinds of training, by name: each owns its networks, losses and optimisers; see `photochrom.train.task.Task`."""

from photochrom._support.registry import Registry

tasks = Registry("task", "photochrom.train.tasks")
