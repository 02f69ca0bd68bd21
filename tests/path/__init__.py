"""Tests of paths of one member: grids, chains of members, threads."""
