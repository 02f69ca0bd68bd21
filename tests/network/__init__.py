"""Tests of networks as functions: passes, activations, parameters, units."""
