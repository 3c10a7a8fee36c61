"""What a run gets beyond its Scenario's faults: read from the Secret `heldout-SLUG`, chosen by the run's seed."""

from __future__ import annotations

import base64

from faultline import heldout
from faultline.catalogue import SECRETS, heldout_digest, heldout_name
from faultline.controller.api import Api
from faultline.controller.code import Code
from faultline.errors import NotFound
from faultline.heldout import HeldOutFault
from faultline.scenario import ScenarioSpec


async def chosen(api: Api, code: Code, spec: ScenarioSpec, seed: int) -> list[HeldOutFault]:
    """The held-out faults of a run; none where the folder of its code holds nothing out.

    Raises NotFound (FL226) when the Secret is not the one that was published with the code, and InvalidInput (FL104,
    FL105) when what is in it does not fit the Scenario.
    """
    if code.held_out is None:
        return []
    found = await api.get(f"{SECRETS}/{heldout_name(code.slug)}")
    text = base64.b64decode(((found or {}).get("data") or {}).get(heldout.FILE, "")).decode()
    if heldout_digest(text) != code.held_out:
        message = f"the cluster lacks the held-out faults of {code.slug}, or has those of another version"
        raise NotFound("FL226", message, f"faultline apply {code.slug}")
    return heldout.parsed(text, spec).chosen(seed)
