"""Named lists of cells: each suite that ships is a TOML file in this folder."""
