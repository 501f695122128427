"""The `outrider` command, one file per verb; each has a click command named `command`."""
