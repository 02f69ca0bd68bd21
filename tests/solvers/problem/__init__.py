"""Tests of scaled problems: certificates, units, bounds, what is not penalised."""
