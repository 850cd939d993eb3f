"""
The numbers of INCRBYFLOAT: Redis adds in the 80-bit floats of x86, which Python lacks.

In doubles 10.5 + 0.1 would be 10.59999999999999964, where Redis answers 10.6.
"""

from __future__ import annotations

from fractions import Fraction

from fakeredis import _msgs as msgs
from fakeredis._command_args_parsing import Float
from fakeredis._helpers import SimpleError

__all__ = ["added"]

_MANTISSA = 64  # bits
_DECIMALS = 17  # that Redis prints, without zeros at the end
_NOT_FINITE = "ERR increment would produce NaN or Infinity"


def added(number: bytes, amount: bytes, *, not_a_number: str = msgs.INVALID_FLOAT_MSG) -> bytes:
    """
    *number* plus *amount*, as Redis prints it.

    Args:
        number: What is stored.
        amount: What a client wants to add.
        not_a_number: Said of a stored value that is none.

    Raises:
        SimpleError: One of them is not a number, or not a finite one.
    """
    total = _rounded(_read(number, not_a_number) + _read(amount, msgs.INVALID_FLOAT_MSG))
    digits = f"{abs(round(total * 10**_DECIMALS)):0{_DECIMALS + 1}d}"
    sign = "-" if total < 0 else ""
    text = f"{sign}{digits[:-_DECIMALS]}.{digits[-_DECIMALS:]}"
    return text.rstrip("0").removesuffix(".").encode()


def _read(text: bytes, not_a_number: str) -> Fraction:
    value = Float.decode(text, decode_error=not_a_number)
    if value in (float("inf"), float("-inf")):
        raise SimpleError(_NOT_FINITE)
    return _rounded(Fraction(text.decode()))


def _rounded(value: Fraction) -> Fraction:
    """The nearest number that fits the mantissa; of two the even one."""
    if not value:
        return value
    exponent = abs(value.numerator).bit_length() - value.denominator.bit_length()
    if abs(value) < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** (exponent - _MANTISSA + 1)
    return round(value / unit) * unit
