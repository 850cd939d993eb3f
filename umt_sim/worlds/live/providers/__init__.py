"""
Where the servers of a live run come from.

- ``base``: what every provider offers. Start here.
- ``private``: processes of this machine; ``system`` and ``embedded`` say which programs.
- ``compose``: the containers of ``docker-compose.test.yml``.
- ``external``: addresses that were given.
- ``choosing``: which of them a run gets.
"""
