"""`canary.main:app`: one route that does next to nothing, in the way that the lab's services do it."""

from labkit import create_app

app = create_app("canary")


@app.get("/")
async def ping() -> dict[str, str]:
    """Answers at once."""
    return {"status": "ok"}
