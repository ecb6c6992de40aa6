"""The demo: the whole loop on drawn or own photos."""
