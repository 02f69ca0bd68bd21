"""Tests of model files: what is loaded is what was saved, by this version and by earlier ones."""
