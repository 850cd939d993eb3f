"""
Systems under test, as the harness sees them.

- ``base``: what a factory receives and what it yields. Start here to bring your own.
- ``umt``: the built-in platform, wired to a scenario's endpoints and policies.
- ``policies``: a scenario's policies as the platform's settings.
- ``journalist``: what the platform's guards publish, for the journal.
- ``lab``: small systems to teach and to measure with.
- ``finder``: turns the name of a built-in system or ``package.module:factory`` into a factory.
"""
