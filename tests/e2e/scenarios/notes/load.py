"""People who write notes; in the end every note is read back."""

from __future__ import annotations

from loadgen import ArrivalUser, task


class Writer(ArrivalUser):
    @task
    def write(self):
        key = f"n{self.random.getrandbits(48):012x}"
        text = f"text of {key}"
        self.call("put", "PUT", f"/notes/{key}", json={"text": text}, key=key, value=text)

    @classmethod
    def final_reads(cls, client, history):
        client.read_back("get", history, writes=["put"], path=lambda key: f"/notes/{key}", result=_text)


def _text(response):
    return response.json()["text"]
