"""`python -m doublelock`: the command line."""

from doublelock.cli import main

main(prog_name="doublelock")
