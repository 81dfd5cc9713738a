"""`python -m photochrom` is the command `photochrom`."""

from photochrom.cli import main

if __name__ == "__main__":  # processes that colour import it under another name
    main()
