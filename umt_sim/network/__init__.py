"""The network: hosts, sockets and proxies with toxics, in virtual time."""
