"""What taut does inside other frameworks, measured: solutions, cost per step, sparse networks beside pruning."""
