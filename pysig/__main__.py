"""`python -m pysig` is the command `pysig`."""

import sys

from pysig.cli import main

if __name__ == "__main__":
    sys.exit(main())
