"""Tests of the report's page without a browser."""
