"""The problem as every engine sees it: its scale, grid, certificate, unpenalized part, λ = 0, folds and resuming."""
