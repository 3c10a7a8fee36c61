"""`signin.main:app`: fans sign in, and the ticket shop asks who they are."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from labkit import create_app, settings
from labkit.postgres import create_pool
from signin import passwords

ACQUIRE_SECONDS = 4.0
COMMAND_SECONDS = 4.0

FAN = "SELECT id, password FROM fans WHERE name = $1"
SIGN_IN = "INSERT INTO sessions (token, fan_id) VALUES ($1, $2)"
SIGNED_IN = "SELECT fans.name FROM sessions JOIN fans ON fans.id = sessions.fan_id WHERE sessions.token = $1"


class Credentials(BaseModel):
    name: str = Field(max_length=40)
    password: str = Field(max_length=200)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await create_pool(
        settings.url("postgres"),
        min_size=2,
        max_size=settings.integer("POOL_SIZE"),
        command_timeout=COMMAND_SECONDS,
    )
    yield
    await app.state.pool.close()


app = create_app("signin", lifespan=lifespan)


@app.exception_handler(TimeoutError)
async def busy(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse({"detail": "busy, please try again"}, 503, {"Retry-After": "1"})


@app.post("/sessions", status_code=201)
async def sign_in(credentials: Credentials) -> dict[str, str]:
    async with app.state.pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
        fan = await connection.fetchrow(FAN, credentials.name)
        if fan is None or not await asyncio.to_thread(passwords.matches, credentials.password, fan["password"]):
            raise HTTPException(401, "name or password is wrong")
        token = secrets.token_urlsafe(18)
        await connection.execute(SIGN_IN, token, fan["id"])
    return {"token": token}


@app.get("/me")
async def me(authorization: Annotated[str, Header()]) -> dict[str, str]:
    async with app.state.pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
        name = await connection.fetchval(SIGNED_IN, authorization.removeprefix("Bearer "))
    if name is None:
        raise HTTPException(401, "sign in first")
    return {"name": name}
