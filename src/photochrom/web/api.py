"""The HTTP interface for programs."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()


@router.get("/healthz")
async def health() -> dict[str, str]:
    """Whether the server answers; needs no token."""
    return {"status": "ok"}
