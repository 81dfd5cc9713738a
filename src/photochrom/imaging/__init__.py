"""Picture files: read into a `Picture` and written from one, with their profiles and metadata."""
