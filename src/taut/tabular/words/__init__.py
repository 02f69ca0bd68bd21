"""What is said of a fit: its numbers, tables and sentences, for the terminal, a report and other software."""
