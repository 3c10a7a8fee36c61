"""The meter: CPU and memory of every pod of the labs, read from cgroups once a second."""
