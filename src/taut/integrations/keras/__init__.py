"""Keras: regularizers of models, optimisers that end in a prox, and penalties as regularizers of layers."""
