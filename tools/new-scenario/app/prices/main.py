"""`prices.main:app`: what a product costs, which changes every five seconds."""

from __future__ import annotations

from labkit import clock, create_app

PRICE_SECONDS = 5

app = create_app("prices")


@app.get("/prices/{product_id}")
async def price(product_id: int) -> dict[str, int]:
    step = int(clock.now() // PRICE_SECONDS)
    return {"price": 100 + (product_id * 37 + step * 13) % 900}
