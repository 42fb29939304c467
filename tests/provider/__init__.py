"""An OpenID Connect provider for tests and the demo. See README.md beside this file."""
