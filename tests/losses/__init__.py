"""Tests of the losses: laws, values from elsewhere, targets."""
