"""
AMQP 0-9-1 on the wire.

- ``connection``: bytes to frames, and frames to channels. Start here.
- ``handshake``: from the protocol header to an open connection.
- ``heartbeat``: signs of life.
- ``channel``: one channel; ``incoming`` puts messages together, ``methods`` does the rest.
- ``line``: operations in order, held up by capacity.
- ``frames``: encoding and decoding.
"""
