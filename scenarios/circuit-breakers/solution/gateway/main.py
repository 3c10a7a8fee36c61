"""`gateway.main:app`: everything that a browser asks for comes in here and goes on to the service that knows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response

from gateway.upstream import Upstream
from labkit import create_app, settings


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    # Each service has connections of its own, so that waiting for one takes nothing from the other.
    async with Upstream(connections=24, retries=1) as catalogue, Upstream(connections=16, retries=0) as checkout:
        app.state.catalogue, app.state.checkout = catalogue, checkout
        yield


app = create_app("gateway", lifespan=lifespan)
CATALOGUE = settings.url("catalogue")
CHECKOUT = settings.url("checkout")


@app.get("/products")
async def products(request: Request, page: int = 1) -> Response:
    return await request.app.state.catalogue.send("GET", f"{CATALOGUE}/products?page={page}")


@app.get("/products/{product_id}")
async def product(request: Request, product_id: int) -> Response:
    return await request.app.state.catalogue.send("GET", f"{CATALOGUE}/products/{product_id}")


@app.post("/checkout")
async def checkout(request: Request) -> Response:
    return await request.app.state.checkout.send("POST", f"{CHECKOUT}/orders", await request.body())


@app.get("/orders/{order_id}")
async def order(request: Request, order_id: str) -> Response:
    return await request.app.state.checkout.send("GET", f"{CHECKOUT}/orders/{order_id}")
