"""Kinds of training, a file each, which registers itself in `photochrom.train.task.tasks`."""
