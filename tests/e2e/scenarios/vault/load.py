"""People who leave a text and look at it at once; in the end every text is read back."""

from __future__ import annotations

from loadgen import ArrivalUser, task


class Writer(ArrivalUser):
    @task
    def write(self):
        # The text is drawn: nobody can make it up from its key.
        key, text = f"t{self.random.getrandbits(48):012x}", f"{self.random.getrandbits(64):016x}"
        self.call("put", "PUT", f"/texts/{key}", json={"text": text}, key=key, value=text)
        self.call("get", "GET", f"/texts/{key}", key=key, ok=lambda r: _text(r) == text, result=_text)

    @classmethod
    def final_reads(cls, client, history):
        client.read_back("get", history, writes=["put"], path=lambda key: f"/texts/{key}", result=_text)


def _text(response):
    return response.json()["text"]
