"""Figures against their targets: bench-nss.c by meson, host.py on a lab's host."""
