"""
What the broker means, apart from any wire.

- ``virtual_host``: exchanges, queues and bindings by name; publishing. Start here.
- ``session``: a channel's consumers, unsettled deliveries and prefetch.
- ``queue``: one queue; ``backlog`` orders its messages, ``consumers`` its round robin,
  ``deadlines`` watch the clock.
- ``exchange``, ``topic``: choosing bindings; ``routes`` follows them to queues.
- ``dead_letter``: the headers of messages that were given up.
- ``arguments``, ``equivalence``: what was declared, and declared again.
- ``message``, ``table``: a message in its wire form and the parts the broker reads.
- ``ledger``: what the journal is told.
- ``ports``: what all of it needs: a clock with timers, and names.
"""
