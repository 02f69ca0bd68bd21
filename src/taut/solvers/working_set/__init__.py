"""Working sets: all folds solve a few λ ahead on the columns in use, and one pass over X verifies them."""
