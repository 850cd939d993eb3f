"""What a pipe hears when nothing comes."""

__all__ = ["Silence"]


class Silence(Exception):
    """No chunk came within the time a pipe was ready to wait."""
