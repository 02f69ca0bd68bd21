"""Tests of Regressor and Classifier."""
