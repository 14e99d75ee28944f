"""``python -m onepass``: the command line."""

from onepass.cli.app import main

main()
