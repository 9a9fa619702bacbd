"""Errors, JIT policy, registry and plain-text tables: the layer that imports nothing of ours."""
