"""The paper's own work: its study, searches over recipes, and Turing tests."""
