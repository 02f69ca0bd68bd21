"""Tests of the benchmarks: certificate, workloads, and the tools that are compared."""
