"""The client of the Python SDK at a server on standard input and output.

    python client.py SPECIFICATION

The specification is JSON: `command` and `args` of the server, its `mode` (`legacy`: greeted by
`initialize`; `auto`: asked by `server/discover`; or a revision), and two calls `answered` and
`refused` of the form `[tool, arguments]`. What happened is printed as one line of JSON.
"""

import json
import sys
from typing import Any

import anyio
from mcp import Client, MCPError, StdioServerParameters

# Enough to overlap, and far below what a server takes at once.
TOGETHER = 16


async def error_of(call: Any) -> dict[str, Any] | None:
    """The protocol's error that a call ends with."""
    try:
        await call
    except MCPError as error:
        return {"code": error.error.code, "message": error.error.message}
    return None


async def answers(client: Client, tool: str, arguments: dict[str, Any]) -> list[Any]:
    """The shape of what the same call answers, several times at once."""
    results: list[Any] = [None] * TOGETHER

    async def one(place: int) -> None:
        result = await client.call_tool(tool, arguments)
        results[place] = {"is_error": result.is_error, "fields": sorted(result.structured_content)}

    async with anyio.create_task_group() as group:
        for place in range(TOGETHER):
            group.start_soon(one, place)
    return results


async def offered(client: Client) -> dict[str, Any]:
    """The names of what the server offers by its own word."""
    capabilities = client.server_capabilities
    names: dict[str, Any] = {"tools": [tool.name for tool in (await client.list_tools()).tools]}
    if capabilities.prompts is not None:
        names["prompts"] = [prompt.name for prompt in (await client.list_prompts()).prompts]
    if capabilities.resources is not None:
        listed = [str(resource.uri) for resource in (await client.list_resources()).resources]
        names["resources"] = {uri: await content(client, uri) for uri in listed}
    return names


async def content(client: Client, uri: str) -> int:
    """How many contents a resource has, or the code of the error."""
    try:
        return len((await client.read_resource(uri)).contents)
    except MCPError as error:
        return error.error.code


async def visit(specification: dict[str, Any]) -> dict[str, Any]:
    server = StdioServerParameters(command=specification["command"], args=specification["args"])
    async with Client(server, mode=specification["mode"], read_timeout_seconds=60) as client:
        # The SDK holds each result against the schema that the tool was listed with.
        names = await offered(client)
        results = await answers(client, *specification["answered"])
        refusal = await client.call_tool(*specification["refused"])
        return {
            "protocol_version": client.protocol_version,
            "server": client.server_info.name if client.server_info else None,
            "instructions": bool(client.instructions),
            "offered": names,
            "results": results,
            "refusal": {
                "is_error": refusal.is_error,
                "structured": refusal.structured_content,
                "text": [block.text for block in refusal.content],
            },
            "unknown_tool": await error_of(client.call_tool("no_such_tool", {})),
        }


print(json.dumps(anyio.run(visit, json.loads(sys.argv[1]))))
