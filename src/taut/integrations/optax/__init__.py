"""optax: regularizers of trees of parameters, and gradient transformations that end in a prox."""
