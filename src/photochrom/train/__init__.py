"""Training: recipes, tasks, the one loop, checkpoints. Everything here needs the extra `train`."""
