"""Somebody at a browser without scripts: pages are fetched, and forms are sent as the page gave them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from types import MappingProxyType
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import UUID

import httpx2

from porchlight.accounts.caller import SESSION_COOKIE, new_session_token
from porchlight.accounts.manage import create_user
from porchlight.accounts.permissions import Role
from porchlight.accounts.tables import Session, User

NOTHING: Mapping[str, str] = MappingProxyType({})
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    boxes: set[str] = field(default_factory=set)


@dataclass
class Document(HTMLParser):
    """A page: its words, its links and its forms with the values that they would send."""

    html: str
    status: int = 200
    url: str = ""
    links: list[str] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    _form: Form | None = None
    _choice: tuple[str, list[str]] | None = None
    _area: str | None = None

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.html)
        self.close()

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())

    def form(self, action: str) -> Form:
        """The form that posts to `action`."""
        found = [form for form in self.forms if form.action == action]
        assert found, f"no form posts to {action}: {[form.action for form in self.forms]}"
        return found[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name")
        if tag == "a":
            self.links.append(given.get("href") or "")
        if tag == "form":
            self._form = Form(given.get("action") or "")
            self.forms.append(self._form)
        if self._form is None:
            return
        if tag == "input" and name and given.get("type") == "checkbox":
            self._form.boxes.add(name)
        if tag == "input" and name and (name not in self._form.boxes or "checked" in given):
            self._form.fields[name] = given.get("value") or ""
        if tag == "select" and name:
            self._choice = (name, [])
        if tag == "option" and self._choice is not None:
            if "selected" in given or not self._choice[1]:
                self._form.fields[self._choice[0]] = given.get("value") or ""
            self._choice[1].append(given.get("value") or "")
        if tag == "textarea":
            self._area = name
            self._form.fields[name or ""] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag == "select":
            self._choice = None
        if tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        self.said.append(data)
        if self._area is not None and self._form is not None:
            self._form.fields[self._area] += data


@dataclass
class Visitor:
    """Follows redirects as a browser does; cookies stay in the client."""

    client: httpx2.AsyncClient

    async def raw(self, path: str, **given: Any) -> httpx2.Response:
        return await self.client.get(path, headers=BROWSER, follow_redirects=False, **given)

    async def open(self, path: str, status: int = 200) -> Document:
        answer = await self.client.get(path, headers=BROWSER, follow_redirects=True)
        return _document(answer, status)

    async def submit(
        self,
        page: Document,
        action: str,
        typed: Mapping[str, str] = NOTHING,
        /,
        *,
        without: Collection[str] = (),
        status: int = 200,
        **more: str,
    ) -> Document:
        """Send a form of `page`, with what is typed into its fields, and without the boxes that are unticked."""
        form = page.form(action)
        given = {**typed, **more}
        assert given.keys() <= form.fields.keys() | form.boxes, f"the form has no {given.keys() - form.fields.keys()}"
        fields = {name: value for name, value in {**form.fields, **given}.items() if name not in without}
        return await self.send(action, fields, status=status)

    async def send(self, path: str, fields: Mapping[str, Any], *, status: int = 200) -> Document:
        answer = await self.client.post(path, data=fields, headers=BROWSER, follow_redirects=True)
        return _document(answer, status)


def _document(answer: httpx2.Response, status: int) -> Document:
    assert answer.status_code == status, (answer.status_code, answer.text[:500])
    assert answer.headers["content-type"].startswith("text/html"), answer.text[:300]
    url = urlsplit(str(answer.url))
    return Document(answer.text, answer.status_code, url.path + (f"?{url.query}" if url.query else ""))


def resolved(page: Document, link: str) -> str:
    return urljoin(page.url, link)


async def hire(brokerage: Any, name: str, role: Role, **given: Any) -> UUID:
    address = f"{name.encode().hex()[:16]}-{brokerage.tenant_id.hex[-8:]}@realty.example.com"
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        return (await create_user(uow, email=address, name=name, role=role, **given)).id


async def session_cookie(brokerage: Any, user_id: UUID) -> str:
    """A session, opened beside the sign-in page, which counts tries and takes its time over passwords."""
    token, digest = new_session_token(brokerage.tenant_id)
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        await uow.session.get_one(User, (brokerage.tenant_id, user_id))
        now = uow.now()
        uow.session.add(
            Session(
                tenant_id=brokerage.tenant_id,
                token_hash=digest,
                user_id=user_id,
                created_at=now,
                expires_at=now + timedelta(hours=12),
            )
        )
    return f"{SESSION_COOKIE}={token}"
