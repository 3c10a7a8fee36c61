"""Nurses at two sites: each writes a note on a patient at one site and reads notes at both."""

from __future__ import annotations

import gevent

from loadgen import ArrivalUser, task

PAUSE_SECONDS = (0.02, 0.3)
# Longer than the sites have to agree, also on what was written last.
SETTLE_SECONDS = 5.5


class Nurse(ArrivalUser):
    promise = ""
    """What the app says that it promises, CP or AP; asked once a run."""

    @task
    def round(self):
        if not Nurse.promise:
            answer = self.call("promise", "GET", "/promise", ok=_promised)
            Nurse.promise = answer.json()["promise"] if answer is not None and _promised(answer) else ""
        # One call more than there are: another patient then comes after a few rounds, and a partition meets many.
        patient = self.rotating_key("patient", calls=4)
        sites = ["north", "south"]
        self.random.shuffle(sites)
        self._write_at(sites[0], patient)
        for site in (sites[1], sites[0]):
            gevent.sleep(self.random.uniform(*PAUSE_SECONDS))
            self._read_at(site, patient)

    def _write_at(self, site, patient):
        say = {"json": {"value": self.random.getrandbits(40)}, "key": patient, "ok": _answered, "site": site}
        say["value"] = say["json"]["value"]
        path = f"/{site}/notes/{patient}"
        if Nurse.promise == "AP" and site == "north":
            self.call("north_put", "PUT", path, **say)
        elif Nurse.promise == "AP":
            self.call("south_put", "PUT", path, **say)
        elif site == "north":
            self.call("north_write", "PUT", path, **say)
        else:
            self.call("south_write", "PUT", path, **say)

    def _read_at(self, site, patient):
        say = {"key": patient, "ok": _found, "result": _value, "site": site}
        path = f"/{site}/notes/{patient}"
        if Nurse.promise == "AP" and site == "north":
            self.call("north_look", "GET", path, **say)
        elif Nurse.promise == "AP":
            self.call("south_look", "GET", path, **say)
        elif site == "north":
            self.call("north_read", "GET", path, **say)
        else:
            self.call("south_read", "GET", path, **say)

    @classmethod
    def final_reads(cls, client, history):
        gevent.sleep(SETTLE_SECONDS)
        written = ["north_write", "south_write", "north_put", "south_put"]
        for site in ("north", "south"):
            client.read_back("final", history, writes=written, path=lambda key, site=site: f"/{site}/notes/{key}",
                             result=_value, site=site)  # fmt: skip
        # Who promises AP promises nothing that could be old: there is one pair to be looked at, and it is in order.
        client.observe("nothing_promised_write", key="nothing promised", value=1)
        client.observe("nothing_promised_read", key="nothing promised", result=1)


def _promised(answer):
    return answer.status_code == 200 and answer.json()["promise"] in ("CP", "AP")


def _answered(answer):
    return answer.status_code in (200, 201, 204)


def _found(answer):
    """A note, or the answer that there is none yet."""
    return answer.status_code in (200, 404)


def _value(answer):
    return answer.json()["value"] if answer.status_code == 200 else None
