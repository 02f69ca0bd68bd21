"""Tests of the fuzzer of numerical problems: its reference, its judge, its run."""
