"""The version, for all that says what made it."""

__version__ = "0.1.0"
