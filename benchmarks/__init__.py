"""The benchmark of the linear engine: taut beside its peers, one machine, one core, equal certified gaps."""
