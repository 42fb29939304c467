"""A real Debian host for the tests: made by mmdebstrap, booted by systemd-nspawn.

The parts, each usable by itself: image (the root file system), network (a namespace per run),
container (the booted machine), debs (our packages), lab (all of it together with a provider).
"""
