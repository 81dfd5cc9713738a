"""A model that is used: its card, what runs it, and how its answer becomes colours."""
