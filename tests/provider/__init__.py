"""An OpenID Connect provider for tests and the demo; control.py says how to order it about."""
