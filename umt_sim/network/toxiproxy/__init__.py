"""
A stand-in for the Toxiproxy server: the same toxics on the machine's sockets.

    server      ``serve``: start it and wait; the command line calls this. Start here.
    api         Toxiproxy's HTTP API: routes, codes, error texts
    population  the proxies of a server, by name
    errors      what the API answers when it cannot
    wire        request bodies as Go's JSON decoder reads them
    addresses   ``host:port`` as text and as a pair
    machine     clock and sockets of the machine, for proxies to stand on

Proxies, links and toxics are those of the simulated network, held to the same
vectors. The real server is to be preferred where it is at hand: this one knows
no authentication, no metrics and no configuration file.
"""
