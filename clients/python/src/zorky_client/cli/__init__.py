"""The `zorky` command."""
