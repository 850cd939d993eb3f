"""
What answers in the simulated world: plain asyncio servers that speak the real protocols.

Each has a core (what the commands mean), a protocol front end (bytes) and a capacity
(how many at once, how fast). They run on the kernel's loop and, unchanged, on any other.

- ``capacity``: ``Station`` holds callers up in virtual time. Start here.
- ``pacing``: ``Paced`` does the same on a loop of real time.
- ``rabbitmq``: AMQP 0-9-1.
- ``postgres``: a real PostgreSQL answers; the front end decides when.
- ``redis``: RESP on fakeredis.
- ``http``: the upstream applications: LLM, social network, ad platform, CMS.
"""
