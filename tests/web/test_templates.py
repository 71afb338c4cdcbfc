from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest
from jinja2 import Environment, UndefinedError
from tests.web.sample_contexts import PAGES
from tests.web.sample_leads import leads_page, shell

from porchlight.web.rendering import STATIC, environment

TEMPLATES = STATIC.parent / "templates"
UNLABELLED = {"hidden", "submit", "button"}
VOID = {"meta", "link", "input", "img", "br", "hr"}
Attributes = dict[str, str | None]


@dataclass
class Page(HTMLParser):
    """The elements of a page in order, with the labels each form field stands in."""

    elements: list[tuple[str, Attributes]] = field(default_factory=list)
    wrapped: set[int] = field(default_factory=set)
    text: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if "label" in self._open:
            self.wrapped.add(len(self.elements))
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, f"</{tag}> does not close what is open"

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, *tags: str) -> list[Attributes]:
        return [attributes for tag, attributes in self.elements if tag in tags]

    @property
    def unclosed(self) -> list[str]:
        return self._open


@pytest.fixture(scope="module")
def pages() -> Environment:
    return environment()


def parse(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    return page


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest, pages: Environment) -> Page:
    template, context = PAGES[request.param]
    return parse(pages.get_template(template).render(**context()))


def test_every_page_has_a_sample() -> None:
    shown = {template for template, _ in PAGES.values()}
    frames = {"base.html", "base_alone.html"}
    whole = {
        str(path.relative_to(TEMPLATES))
        for path in TEMPLATES.rglob("*.html")
        if path.parent.name != "components" and not path.name.startswith("_")
    }
    assert shown == whole - frames


def test_every_template_says_what_it_needs() -> None:
    silent = [path.name for path in TEMPLATES.rglob("*.html") if "{#" not in path.read_text()[:200]]
    assert silent == []


def test_a_page_is_whole_and_names_itself(page: Page) -> None:
    assert page.unclosed == []
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1
    assert len(page.all("title")) == 1
    assert len(page.all("main")) == 1
    assert page.all("a")[0]["href"] == "#main", "the skip link comes first"


def test_nothing_on_a_page_needs_an_unsafe_policy(page: Page) -> None:
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], (tag, attributes)
        assert not str(attributes.get("href", "")).startswith("javascript:")
        assert tag != "style"
        assert tag != "script" or attributes.get("src")


def test_every_field_has_a_label_and_every_id_is_unique(page: Page) -> None:
    labelled = {attributes.get("for") for attributes in page.all("label")}
    for index, (tag, attributes) in enumerate(page.elements):
        if tag in ("select", "textarea") or (tag == "input" and attributes.get("type") not in UNLABELLED):
            assert attributes.get("id") in labelled or index in page.wrapped or attributes.get("aria-label"), attributes
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert [name for name, count in ids.items() if count > 1] == []
    for _, attributes in page.elements:
        for name in ("for", "aria-describedby", "aria-labelledby"):
            assert name not in attributes or attributes[name] in ids, attributes


def test_every_form_that_posts_is_protected(pages: Environment) -> None:
    for template, context in PAGES.values():
        html = pages.get_template(template).render(**context())
        for form in html.split("<form ")[1:]:
            head, body = form.split(">", 1)
            if 'method="post"' in head:
                assert 'name="csrf_token"' in body.split("</form>")[0], head


def test_every_icon_and_asset_exists(page: Page) -> None:
    icons = (STATIC / "icons.svg").read_text()
    for attributes in page.all("use"):
        assert f'id="{str(attributes["href"]).split("#")[1]}"' in icons
    for attributes in page.all("link", "script", "img"):
        path = str(attributes.get("href") or attributes.get("src")).split("?")[0].removeprefix("/static/")
        assert path.startswith("dist/") or (STATIC / path).is_file(), path


def test_no_inner_value_leaks_into_the_words(page: Page) -> None:
    text = " ".join(page.text)
    for leak in ("None", "Undefined", "datetime", "{{", "{%", "0x", "&amp;amp;"):
        assert leak not in text


def test_the_theme_is_drawn_by_the_server(pages: Environment) -> None:
    template = pages.get_template("leads/list.html")
    html = template.render(**leads_page(shell=shell(theme="dark")))
    assert '<html lang="en" data-theme="porchlight-dark">' in html
    assert "data-theme=" not in template.render(**leads_page()).split(">")[1]


def test_a_row_is_the_same_alone_and_in_the_list(pages: Environment) -> None:
    context = leads_page()
    row = pages.get_template("leads/_row.html").render(lead=context["leads"][0], **context)
    assert row.strip() in pages.get_template("leads/list.html").render(**context)


def test_what_people_write_cannot_become_markup(pages: Environment) -> None:
    context = leads_page()
    context["leads"][0] |= {"name": "<script>alert(1)</script>", "reason": '"><img src=x onerror=alert(1)>'}
    html = pages.get_template("leads/list.html").render(**context)
    assert "<script>alert" not in html
    assert "<img src=x" not in html


def without(context: dict[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    for name in context:
        yield name, {key: value for key, value in context.items() if key != name}


@pytest.mark.parametrize("name", PAGES)
def test_a_forgotten_value_is_an_error_and_never_a_blank(name: str, pages: Environment) -> None:
    template, context = PAGES[name]
    missed = 0
    for _, partial in without(context()):
        try:
            pages.get_template(template).render(**partial)
        except (UndefinedError, TypeError):  # Jinja's own, or a helper's refusal to show nothing
            missed += 1
    assert missed > 0
