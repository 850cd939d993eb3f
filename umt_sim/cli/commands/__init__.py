"""One module for each command of ``umt-sim``; each holds it as ``command``."""
