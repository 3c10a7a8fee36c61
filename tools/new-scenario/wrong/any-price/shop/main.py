"""`shop.main:app`: product pages, each with a price."""

from __future__ import annotations

from labkit import create_app

USUAL_PRICE = 500

app = create_app("shop")


@app.get("/products/{product_id}")
async def product(product_id: int) -> dict[str, int]:
    return {"id": product_id, "price": USUAL_PRICE}
