"""Reports as one HTML file."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from zorky_server.report.html import page

VOID = {"meta"}
HOSTILE = "</td><script>alert('1')</script>"


class Tree(HTMLParser):
    """Refuses tags that do not fit together; keeps elements, their attributes and the text."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.open, self.elements, self.text = list[str](), list[tuple[str, dict]](), ""
        self.feed(document)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.text += text


@pytest.mark.parametrize("name", ["year", "month", "nothing"])
def test_the_page_is_whole_and_needs_nothing_else(name, request):
    document = page(request.getfixturevalue(name))
    tree = Tree(document)
    used = {(tag, attribute) for tag, attributes in tree.elements for attribute in attributes}
    assert {tag for tag, _ in used}.isdisjoint({"script", "link", "img", "iframe", "a"})
    assert {attribute for _, attribute in used}.isdisjoint({"src", "href", "onload", "onclick"})
    assert not [word for word in ("url(", "@import", "http:", "https:", "None", "nan") if word in document]


def test_the_page_has_the_figures(month):
    text = Tree(page(month)).text
    assert "1 January 2026 – 30 January 2026" in text
    for figure in (month.total.users, month.total.pictures, month.failures[0].count, month.weeks[1].users):
        assert f"{figure:,}" in text


def test_a_plot_has_a_column_a_day_as_high_as_the_days_pictures(month):
    columns = [attributes for tag, attributes in Tree(page(month)).elements if tag == "rect"][30:60]
    most = max(day.pictures for day in month.days)
    heights = [float(column["height"]) for column in columns]
    assert heights == pytest.approx([100 * day.pictures / most for day in month.days], abs=0.01)


def test_a_plot_has_no_more_columns_than_are_told_apart(year):
    plots = [attributes for tag, attributes in Tree(page(year)).elements if tag == "rect"]
    assert len(plots) == 4 * len(year.weeks)


def test_what_the_store_holds_is_text(month):
    (failure, *_), (latency, *_) = month.failures, month.latencies
    qualities = [replace(month.qualities[0], language=HOSTILE, model_version=HOSTILE)]
    hostile = replace(
        month,
        failures=(replace(failure, method=HOSTILE, status=HOSTILE, reason=HOSTILE),),
        latencies=(replace(latency, model_version=HOSTILE),),
        qualities=tuple(qualities),
    )
    tree = Tree(page(hostile))
    assert tree.text.count(HOSTILE) == 7  # in the headline, too
    assert "script" not in {tag for tag, _ in tree.elements}
