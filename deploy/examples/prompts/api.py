"""The API of the example: a restaurant's desk at port 10530. `python api.py [PORT]`."""

import sys

from aiohttp import web

TABLES = {"friday": [2, 4, 6], "saturday": [], "sunday": [8]}
"""Sizes of the tables that are free; on other days all are."""
ALL = [2, 2, 4, 4, 6, 8]


async def tables(request: web.Request) -> web.Response:
    """Those that are free and large enough."""
    day, guests = request.match_info["day"], int(request.query.get("guests", "2"))
    free = [size for size in TABLES.get(day, ALL) if size >= guests]
    return web.json_response({"day": day, "guests": guests, "free_tables_for": free})


async def cancel(request: web.Request) -> web.Response:
    """A booking under a name; there is none for the nameless."""
    name = (await request.json()).get("name")
    if not name:
        return web.json_response({"error": "a booking has a name"}, status=422)
    return web.json_response({"cancelled": name})


def main() -> None:
    """Serve until it is stopped."""
    app = web.Application()
    app.add_routes([web.get("/tables/{day}", tables), web.post("/cancel", cancel)])
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 10530
    web.run_app(app, host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    main()
