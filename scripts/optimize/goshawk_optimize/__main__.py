"""Reads requests from stdin and answers on stdout until stdin ends."""

from .server import main

if __name__ == "__main__":
    main()
