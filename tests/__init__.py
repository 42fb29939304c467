"""What crosses processes: the provider, the host, the end-to-end tests, the demo."""
