"""
Old-style components behind new ports, and new ones behind old interfaces.

So that an existing codebase moves over one component at a time (the strangler fig):
wrap what is old, move its users to the port, then replace what is behind it.

``legacy``    the old interfaces, as Protocols: synchronous, dicts and callbacks
``messages``  an old dict as a message, and back
``broker``    an old broker as a MessageBroker, and back
``cache``     an old cache as a Cache, and back
``breaker``   an old breaker as a CircuitBreaker, and back
``tracer``    an old tracer fed with new spans, and back
``agent``     an old agent's handlers as an Agent, and back
``data``      an old schema's rows as aggregates: resumable, verified

Old components block. *run* says where that may happen: ``adapters.threads.in_thread``
in production, ``directly`` where nothing blocks.
"""
