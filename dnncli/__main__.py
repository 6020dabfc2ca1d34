"""`python -m dnncli`: the same program as `dnncli`."""

from dnncli.cli import main

main()
