"""What the files of attacks share."""


def collector():
    """A list of attacks, and the decorator that puts them there."""
    attacks = []

    def attack(function):
        attacks.append(function)
        return function

    return attacks, attack


def no_fault(status):
    """no 5xx"""
    return 200 <= status < 500


def refused(status):
    """4xx"""
    return 400 <= status < 500
