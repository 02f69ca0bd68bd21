"""The tests, by room as src/taut: a test of a room lives in the folder of its name, what all rooms share beside this file."""
