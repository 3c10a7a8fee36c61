"""What a person looks at all day: the catalogue, a lesson beside its live lab, runs and their reports.

A small service in the cluster. It mirrors Scenarios, Runs, pods and lessons by watches, and asks Prometheus once a
second for each lab that somebody looks at, however many do; `app.build` puts the parts together. It listens on its
pod's loopback only: `faultline dashboard` forwards a port to it.
"""
