"""
The Ultimate Marketing Team platform: agents that plan, write, publish and advertise.

Production code. It knows nothing of the harness that tests it and runs without it.

``application``    the composition root: everything built and wired, as one context manager
``configuration``  addresses and settings, as frozen values
``agents``         five agents, their base, and what they say over the broker
``contexts``       brand, content, campaign, analytics, integration: strangers to each other
``domain``         building blocks of the contexts
``messages``       the six message types, their codec and factory
``ports``          what is asked of the outside
``adapters``       the answers: RabbitMQ, Redis, PostgreSQL, HTTP, the machine; and fakes
``resilience``     breaker, retry, bulkhead, timeout and their composition
``tracing``        OpenTelemetry
``bridges``        old-style components behind new ports, and back
``errors``         the tree of what can be met and handled
"""
