"""Pictures for training: where they lie, how they become samples, in which order."""
