"""
Systems under test, as the harness sees them.

- ``base``: what a factory receives and what it yields. Start here to bring your own.
- ``umt``: the built-in platform, wired to a scenario's endpoints and policies.
- ``finder``: turns ``umt`` or ``package.module:factory`` into a factory.
"""
