"""`python -m faultline`, the same as the `faultline` command."""

from faultline.cli import main

if __name__ == "__main__":
    main()
