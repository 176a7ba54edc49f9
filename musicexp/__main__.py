"""`python -m musicexp` and `musicexp`."""

import sys


def main() -> None:
    from musicexp.cli import main as command_line

    sys.exit(command_line(sys.argv[1:]))


if __name__ == "__main__":
    main()
