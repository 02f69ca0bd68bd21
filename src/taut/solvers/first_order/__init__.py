"""Accelerated proximal gradient: the reference, and the engine of every penalty that no other one knows."""
