"""
Private servers as processes of this machine, on free ports in a folder of their own.

- ``instance``: starts one, waits until it answers, stops, kills, freezes it. Start here.
- ``base``: what the instance asks of a program.
- ``rabbitmq``, ``postgres``, ``redis``, ``toxiproxy``: the real servers.
- ``own``: our own servers, where the real ones are missing.
"""
