"""The helper, the enforcer, a bus and a provider as real programs, without a host around them.

Everything runs in namespaces of its own (mounts, network, processes): see place.py. What a person
does at a terminal is in ../e2e; here are the bus's contracts, the limits and the faults between
the programs.
"""
