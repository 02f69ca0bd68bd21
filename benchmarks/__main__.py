"""``python -m benchmarks``: the one command."""

from benchmarks.run import main

if __name__ == "__main__":
    main()
