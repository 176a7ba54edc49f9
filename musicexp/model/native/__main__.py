"""Build the kernels: `python -m musicexp.model.native`."""

import sys

from musicexp.model.native.building import main

if __name__ == "__main__":
    sys.exit(main())
