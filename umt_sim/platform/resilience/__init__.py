"""
What keeps a failure from spreading.

    breaker        stops calling what fails
    errors         what the guards raise
    listeners      hands events to listeners in order

The guards take their clock and their randomness from outside, and publish what they do as
frozen records.
"""
