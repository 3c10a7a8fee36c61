"""`gateway.main:app`: everything that a browser asks for comes in here and goes on to the service that knows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response

from gateway.upstream import Upstream
from labkit import create_app, settings


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with Upstream(connections=30, retries=3) as upstream:
        app.state.upstream = upstream
        yield


app = create_app("gateway", lifespan=lifespan)
CATALOGUE = settings.url("catalogue")
CHECKOUT = settings.url("checkout")


@app.get("/products")
async def products(request: Request, page: int = 1) -> Response:
    return await request.app.state.upstream.send("GET", f"{CATALOGUE}/products?page={page}")


@app.get("/products/{product_id}")
async def product(request: Request, product_id: int) -> Response:
    return await request.app.state.upstream.send("GET", f"{CATALOGUE}/products/{product_id}")


@app.post("/checkout")
async def checkout(request: Request) -> Response:
    return await request.app.state.upstream.send("POST", f"{CHECKOUT}/orders", await request.body())


@app.get("/orders/{order_id}")
async def order(request: Request, order_id: str) -> Response:
    return await request.app.state.upstream.send("GET", f"{CHECKOUT}/orders/{order_id}")
