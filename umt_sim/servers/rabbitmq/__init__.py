"""
A stand-in for RabbitMQ: AMQP 0-9-1 on any asyncio loop, virtual or real.

- ``server``: ``RabbitMQ``, the broker to start. Start here.
- ``rules``: the versions of RabbitMQ it can follow, as values.
- ``errors``: refusals with AMQP's codes and RabbitMQ's words.
- ``core``: exchanges, queues, consumers, messages; no input or output.
- ``protocol``: connections, channels and frames on top of the core.

What is modelled and what is left out: ``docs/rabbitmq.md``.
"""

from umt_sim.servers.rabbitmq.rules import RABBITMQ_3_13, RABBITMQ_4, RULES, Rules
from umt_sim.servers.rabbitmq.server import RabbitMQ

__all__ = ["RABBITMQ_3_13", "RABBITMQ_4", "RULES", "RabbitMQ", "Rules"]
