"""Tests of training networks: steps, finish, penalties by layer."""
