"""Integrations: taut's penalties inside the networks and optimisers of PyTorch, optax and Keras.

They stand over penalties and arrays, and over one door of the solvers to the kernels that work in place. What all three
share lies here, what knows a framework in a room of its own.
"""
