"""
Who asks the system for what, and when.

- ``values``: loads as frozen values, as a scenario states them. Start here.
- ``arrivals``: when the requests of an open load are due.
- ``operations``: what a system offers and one request for it.
- ``generator``: sends the requests and records how they ended.
"""
