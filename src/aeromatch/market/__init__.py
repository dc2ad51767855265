"""Instruments, orders, batches, events; the reference model."""
