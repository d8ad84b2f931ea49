"""`python -m mtrbench`."""

from .cli import main

main()
