"""
The network: hosts, sockets and proxies with Toxiproxy's toxics, in virtual time.

What a simulation holds:

    network     ``Network``: hosts, routes, proxies, faults, the loop's sockets. Start here.
    effects     how each action of a fault happens, and how it is undone

Connections between hosts:

    directory   names and addresses
    site        a host's ports and sockets
    route       one direction between two hosts: latency, rate, cuts, holds, losses
    handshake   opening a connection
    alarm       wake-ups without a pass of the loop
    flow        the bytes of one connection that go one way
    socket, stream, listener, datagram   what programs hold in their hands
    system      where drivers reach past asyncio for a socket

Proxies, the same code in virtual time and on the machine's sockets:

    proxy       the named point between clients and a server
    chain       its toxics in order, and changes to them
    link        one direction of one proxied connection: reader, stages, writer
    stage       one toxic at work on one link
    channel     what carries chunks between stages
    pipes       what each toxic does, one file each
    toxic       a toxic as it stands in a chain
    touched     what a fault has met
    routine     stories with waits, told without tasks
    ground      what a proxy stands on: clock, sockets, randomness
    virtual     the ground of the simulation
    toxiproxy   the ground of the machine, behind Toxiproxy's HTTP API

Simplifications: IPv4 only; no segmentation, acknowledgements, slow start or
Nagle; one window for both buffers of a direction; lost packets are delay.
"""
