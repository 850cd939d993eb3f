"""
The ports' answers. Drivers are imported here and nowhere else in the platform.

``system``     the machine's clock and randomness
``rabbitmq``   MessageBroker on aio-pika
``redis``      Cache on redis-py
``postgres``   Database on asyncpg
``httpx``      HttpGateway on httpx
``in_memory``  small fakes of all of them, for unit tests
"""
