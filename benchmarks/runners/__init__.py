"""One module per tool: the problem in, coefficients for every λ out, in the tool's own environment."""
