"""The command line ``onepass``: one file a group of commands."""
