"""From a network's small map of colours to a picture of full size."""
