"""`python -m tracker VERB` is `touchline VERB`."""

from tracker.cli import main

main(prog_name="touchline")
