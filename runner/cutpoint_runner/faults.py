"""What a user has done wrong, or what a neighbour has."""


class Fault(Exception):
    """Something that the user must change; its text says what, and how."""


class Refusal(Exception):
    """A neighbour does not keep to the protocol, or this one refuses it; its text says why."""
