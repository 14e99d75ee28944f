"""The README and the pages of the documentation as a git host shows them: Markdown whose links lead somewhere."""

import re

import pytest
import yaml
from helpers.configuration import configured
from helpers.documents import Reader
from helpers.project import ROOT

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("how_to/*.md"))]
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def prose(path):
    """A page without its blocks of code, which hold no links."""
    return re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(path):
    """What a git host calls the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", prose(path), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_pages_are_ordinary_markdown(path):
    text = path.read_text()
    assert re.findall(r"\{[a-z:]+\}`", prose(path)) == [], "roles are literal text on a git host"
    assert re.findall(r"^```\{(?:image|figure)\}", text, flags=re.MULTILINE) == []


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links_lead_somewhere_and_pictures_have_words(path):
    for picture, words, target, anchor in LINK.findall(prose(path)):
        page = path.parent / target if target else path
        assert page.exists(), target
        assert not picture or len(words) > 20, target
        if anchor and page.suffix == ".md":
            assert anchor in anchors(page), f"{target}#{anchor}"


def test_links_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One `two_three`, four\n[a](b.md#c) ![words](d.png) [e](https://f)\n```text\n[g](h.md)\n```\n")
    assert LINK.findall(prose(page)) == [("", "a", "b.md", "c"), ("!", "words", "d.png", "")]
    assert anchors(page) == {"one-two_three-four"}


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_the_readme_names_commands_of_figures_that_are_there():
    rows = re.findall(
        r"^\| .*\[`(\w+)`\].* `snakemake -c 2 figures/(\w+)\.pdf`", (ROOT / "README.md").read_text(), re.M
    )
    collection = yaml.safe_load((ROOT / "config" / "collections" / "paper.yaml").read_text())["figures"]
    assert len(rows) >= 9
    for ours, made in rows:
        assert ours == made
        assert ours in collection


def test_every_figure_has_its_section_and_picture():
    page = (DOCS / "figures.md").read_text()
    for figure in configured().figures:
        section = page.partition(f"\n### `{figure}`\n")[2].partition("\n##")[0]
        assert f"](gallery/{figure}.png)" in section, figure
        assert (DOCS / "gallery" / f"{figure}.png").exists()


def test_the_readme_does_what_it_prints(tmp_path):
    """Its lines of `onepass` and of Python; commands of make and of the workflow have tests elsewhere."""
    reader = Reader(tmp_path)
    assert reader.follow("../README.md") == 2
    assert (tmp_path / "cell.png").exists()
    assert reader.names["muon"].name == "plain_square_polar_heavyball0.9_layer1"
    assert reader.names["runs"].recovered.all()
