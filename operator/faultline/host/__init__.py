"""Sets up the machine: engine, images, cluster. Runs on the learner's host, never inside the cluster.

`faultline up` is a row of steps (`up.py`) that each find out whether there is anything to do. What they leave behind is
in `Home`; nothing that is specific to the machine goes into the repository.
"""
