"""What a person and a provider do, seen from outside: pytest on a real host."""
