"""Shapes: metres, lines and graphs; no parcels, no utilities, no file access."""
