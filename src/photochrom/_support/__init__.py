"""What every room needs and nothing about pictures: files, settings, registries, processes, reports as HTML."""
