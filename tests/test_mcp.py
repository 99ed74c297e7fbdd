"""`parlour mcp`, driven by the protocol's own client: what a model may do is what its key may."""

import json
import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from typing import Any

import httpx2
from mcp import Client, StdioServerParameters

from parlour.cli.mcp import DRAFT, served
from parlour.kernel.access import Role
from tests.house import ORIGIN, Browser, House
from tests.live import Live, command
from tests.programs import key_of
from tests.shell import Shell, sentence
from tests.tickets import customer_says, now


def desk_of(house: House, token: str) -> Client:
    transport = httpx2.ASGITransport(house.app, client=("127.0.0.1", 40000))
    headers = {"authorization": f"Bearer {token}"}
    return Client(
        served(httpx2.AsyncClient(transport=transport, base_url=f"{ORIGIN}/api/v1/", headers=headers))
    )


async def done(client: Client, tool: str, **given: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, given)
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content


async def refused(client: Client, tool: str, **given: Any) -> str:
    result = await client.call_tool(tool, given)
    assert result.is_error
    return str(result.content[0].text)  # type: ignore[union-attr]


async def test_a_model_finds_reads_drafts_and_sorts_and_the_customer_hears_of_nothing(
    house: House, visitor: Browser
) -> None:
    ticket = await house.open_ticket(visitor, subject="The parcel is late")
    for number in range(60):
        await customer_says(house, ticket, f"word {number}")
    async with desk_of(house, await key_of(house, name="Helper")) as client:
        found = await done(client, "search_tickets", words="parcel", waiting=True)
        assert [each["subject"] for each in found["items"]] == ["The parcel is late"]
        first = await done(client, "read_ticket", ticket_id=str(ticket.ticket_id))
        rest = await done(
            client, "read_ticket", ticket_id=str(ticket.ticket_id), after=first["messages"][-1]["seq"]
        )
        assert (first["has_more"], rest["has_more"]) == (True, False)
        assert len(first["messages"]) + len(rest["messages"]) == 61

        await done(client, "draft_answer", ticket_id=str(ticket.ticket_id), answer="It comes on Friday.")
        notes = await done(client, "read_ticket", ticket_id=str(ticket.ticket_id), notes=True)
        assert [(each["content"], each["sender_name"]) for each in notes["messages"]] == [
            (f"{DRAFT}It comes on Friday.", "Helper")
        ]
        version = notes["ticket"]["version"]
        changed = await done(
            client, "triage", ticket_id=str(ticket.ticket_id), version=version, priority="urgent"
        )
        assert changed["priority"] == "urgent"
        stale = await refused(
            client, "triage", ticket_id=str(ticket.ticket_id), version=version, status="open"
        )
        assert "Read it again" in stale
    page = await visitor.get(f"/support/acme/ticket/{ticket.ticket_id}/chat")
    assert "Friday" not in page.text


async def test_it_may_no_more_than_its_key_and_says_why(house: House, visitor: Browser) -> None:
    ticket = await house.open_ticket(visitor)
    async with desk_of(house, await key_of(house, role=Role.VIEWER)) as client:
        assert (await done(client, "choices"))["tags"] == []
        denied = await refused(client, "add_note", ticket_id=str(ticket.ticket_id), note="I was here")
        assert "not" in denied.lower()
    async with desk_of(house, await key_of(house, slug="other")) as client:
        assert (await done(client, "search_tickets"))["items"] == []
        assert await refused(client, "read_ticket", ticket_id=str(ticket.ticket_id))
    async with desk_of(house, "parlour_wrong") as client:
        assert await refused(client, "search_tickets")
    assert (await now(house, ticket)).version == ticket.version


async def test_an_argument_that_no_tool_knows_is_refused(house: House, visitor: Browser) -> None:
    """Else it would be passed over, and every ticket taken for one that was found."""
    await house.open_ticket(visitor)
    async with desk_of(house, await key_of(house)) as client:
        denied = await refused(client, "search_tickets", query="tent")
        [search] = [each for each in (await client.list_tools()).tools if each.name == "search_tickets"]

    assert "query" in denied
    assert search.input_schema["additionalProperties"] is False


async def test_the_command_speaks_on_its_standard_streams(tmp_path: Path) -> None:
    with Live(tmp_path) as live:
        made = command(live.environment, "apikey", "create", "--workspace", "acme", "--name", "Helper")
        environment = {**live.environment, "PARLOUR_API_KEY": made.splitlines()[-1]}
        parameters = StdioServerParameters(
            command=sys.executable, args=["-m", "parlour", "mcp", "--url", live.url], env=environment
        )
        async with Client(parameters) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert set(tools) == {
                *("search_tickets", "read_ticket", "choices", "draft_answer", "add_note", "triage")
            }
            assert all(tool.description for tool in tools.values())
            assert "items" in await done(client, "search_tickets")


def test_a_line_with_half_a_character_is_answered(tmp_path: Path) -> None:
    """Nothing answers at the address: that is said, too."""
    about: dict[str, Any] = {"protocolVersion": "2025-06-18", "capabilities": {}}
    said: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": {**about, "clientInfo": {"name": "x", "version": "1"}}},
        {"method": "notifications/initialized"},
        {
            "id": 2,
            "method": "tools/call",
            "params": {"name": "search_tickets", "arguments": {"words": "\ud800"}},
        },
    ]
    lines = "".join(json.dumps({"jsonrpc": "2.0", **each}) + "\n" for each in said)
    environment = {**os.environ, "PARLOUR_API_KEY": "parlour_x"}
    speaker = [sys.executable, "-m", "parlour", "mcp", "--url", "http://127.0.0.1:1"]

    with subprocess.Popen(
        speaker, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True, env=environment
    ) as spoken:
        assert spoken.stdin
        assert spoken.stdout
        spoken.stdin.write(lines)
        spoken.stdin.flush()
        answers = [json.loads(spoken.stdout.readline()) for _ in range(2)]
        spoken.stdin.close()

    assert [each["id"] for each in answers] == [1, 2]
    assert "does not answer" in str(answers[1]["result"])


def test_without_a_key_it_says_where_one_is_made(tmp_path: Path) -> None:
    refused = Shell(tmp_path).run("mcp", "--url", "http://127.0.0.1:1")
    assert "apikey create" in sentence(refused)
