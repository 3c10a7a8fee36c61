"""`shop.main:app`: product pages, each with the price that the service `prices` gives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from fastapi import FastAPI, HTTPException

from labkit import create_app, settings

PRICE_SECONDS = 5.0


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    limit = aiohttp.ClientTimeout(total=PRICE_SECONDS)
    async with aiohttp.ClientSession(raise_for_status=True, timeout=limit) as session:
        app.state.session = session
        app.state.known = {}
        yield


app = create_app("shop", lifespan=lifespan)
PRICES = settings.url("prices")


@app.get("/products/{product_id}")
async def product(product_id: int) -> dict[str, int]:
    return {"id": product_id, "price": await price_of(product_id)}


async def price_of(product_id: int) -> int:
    """The price of the moment; the last one that is known while `prices` does not answer in time."""
    known: dict[int, int] = app.state.known
    try:
        async with app.state.session.get(f"{PRICES}/prices/{product_id}") as answer:
            known[product_id] = int((await answer.json())["price"])
    except (aiohttp.ClientError, TimeoutError) as error:
        if product_id not in known:
            raise HTTPException(503, "the price is not known yet") from error
    return known[product_id]
