"""The pure core: rules that turn values into values.

No clock, randomness, environment, logging, network or file is touched here; `now`, limits and
rule tables come in as arguments. import-linter and ruff hold the folder to it.
"""
