"""
The Ultimate Marketing Team platform: agents that plan, write, publish and advertise.

Production code. It knows nothing of the harness that tests it and runs without it.

``application``    the composition root: everything built and wired, as one context manager
``configuration``  addresses and settings, as frozen values
``environment``    the same, read from environment variables
``agents``         five agents, their base, and what they say over the broker
``contexts``       brand, content, campaign, analytics, integration: strangers to each other
``domain``         building blocks of the contexts
``messages``       the six message types, their codec and factory
``ports``          what is asked of the outside
``adapters``       the answers: RabbitMQ, Redis, PostgreSQL, HTTP, the machine; and fakes
``resilience``     breaker, retry, bulkhead, timeout and their composition
``tracing``        OpenTelemetry
``bridges``        old-style components behind new ports, and back
``storage``        aggregates, outbox and migrations in a relational database
``policies``       resilience policies as values
``guards``         ports behind a policy
``process``        the client's process and each agent's
``client``         the platform as its users see it
``surroundings``   what an application takes from whoever runs it
``observation``    what guards decide, as span events and metrics
``errors``         the tree of what can be met and handled
"""
