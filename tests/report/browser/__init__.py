"""Tests that drive the report's page in Chromium."""
