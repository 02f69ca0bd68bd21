"""Comparisons with other programs and certified results: glmnet, scikit-learn, PyTorch, Keras, NIST."""
