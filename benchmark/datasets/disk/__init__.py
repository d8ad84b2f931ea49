"""Data sets that lie on disk: what the readers of all formats share."""
