"""`shop.main:app`: product pages, each with the price that the service `prices` gives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from fastapi import FastAPI

from labkit import create_app, settings


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        app.state.session = session
        yield


app = create_app("shop", lifespan=lifespan)
PRICES = settings.url("prices")


@app.get("/products/{product_id}")
async def product(product_id: int) -> dict[str, int]:
    return {"id": product_id, "price": await price_of(product_id)}


async def price_of(product_id: int) -> int:
    async with app.state.session.get(f"{PRICES}/prices/{product_id}") as answer:
        return int((await answer.json())["price"])
