"""PyTorch: regularizers of modules, and optimisers that end in a prox."""
