"""The base of all errors that this package raises on purpose: their message is written for the user, and is enough."""


class OnepassError(Exception):
    """Something that a user can mend; the message names the value, what is allowed and where it came from."""
