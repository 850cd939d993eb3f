"""
AMQP 0-9-1 on the wire.

- ``connection``: frames to channels, and the rules between. Start here.
- ``splitter``: bytes to frames; ``reading`` says whether a client is read at all.
- ``handshake``: from the protocol header to an open connection.
- ``heartbeat``: signs of life.
- ``channel``: one channel; ``incoming`` puts messages together, ``methods`` does the rest.
- ``line``: operations in order, held up by capacity.
- ``frames``: encoding and decoding; ``wording`` shows bytes in error texts.
"""
