"""`payments.main:app`: the payments provider over HTTP.

Environment: PAYMENTS_MAX_IN_FLIGHT (64), the charges that it works on at once, beyond which it answers 503;
PAYMENTS_WORK_SECONDS (0.01), how long the card network takes over one.
"""

from __future__ import annotations

from fastapi import HTTPException, Request, Response
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from prometheus_client import Counter

from labkit import create_app, settings
from payments.provider import Busy, Charge, ChargeRequest, Provider

ATTEMPTS = Counter("faultline_dependency_requests", "Attempts that arrived", ["dependency", "outcome"])
# All there from the start: a rate over a series that begins with its first event misses that event.
OUTCOMES = {outcome: ATTEMPTS.labels("payments", outcome) for outcome in ("ok", "refused", "invalid")}

app = create_app("payments")
provider = Provider(settings.integer("PAYMENTS_MAX_IN_FLIGHT", 64), settings.number("PAYMENTS_WORK_SECONDS", 0.01))


@app.post("/charges", status_code=201)
async def charge(request: ChargeRequest) -> Charge:
    """Charge an order."""
    try:
        made = await provider.charge(request)
    except Busy as busy:
        OUTCOMES["refused"].inc()
        raise HTTPException(503, str(busy), headers={"Retry-After": "1"}) from busy
    OUTCOMES["ok"].inc()
    return made


@app.get("/charges")
async def standing(order_id: str | None = None) -> list[Charge]:
    """The charges that stand, of one order or all: what was given back is left out."""
    return provider.standing(order_id)


@app.get("/charges/{charge_id}")
async def read(charge_id: str) -> Charge:
    """One charge."""
    try:
        return provider.charges[charge_id]
    except KeyError as missing:
        raise HTTPException(404, f"no charge {charge_id}") from missing


@app.post("/charges/{charge_id}/refund")
async def refund(charge_id: str) -> Charge:
    """Give a charge back; the same again changes nothing."""
    try:
        return provider.refund(charge_id)
    except KeyError as missing:
        raise HTTPException(404, f"no charge {charge_id}") from missing


@app.exception_handler(RequestValidationError)
async def invalid(request: Request, error: RequestValidationError) -> Response:
    """An attempt that is malformed arrived all the same."""
    OUTCOMES["invalid"].inc()
    return await request_validation_exception_handler(request, error)
