"""What every HTML report is made of. A page is one file: no script, no request to anywhere."""

import html
from collections.abc import Collection, Iterable, Sequence

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin: 2.6rem 0 .4rem; border-top: 1px solid #8884; padding-top: 1.4rem; }
h3 { margin: 1.4rem 0 .3rem; font-size: 1.05rem; }
p { max-width: 48rem; margin: .4rem 0; } .lead { font-size: 1.15rem; } .quiet { opacity: .75; font-size: .92rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
th, td { padding: .3rem .9rem; border-bottom: 1px solid #8886; text-align: left; vertical-align: top; }
td.n, th.n { text-align: right; }
.number { font-size: 2.2rem; font-weight: 650; line-height: 1.2; }
.tiles { display: flex; gap: 2.2rem 2.8rem; flex-wrap: wrap; margin: 1.2rem 0; }
.images { display: grid; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); gap: 1.1rem; margin: .8rem 0; }
figure { margin: 0; min-width: 0; }
figure img { width: 100%; max-height: 32rem; object-fit: contain; border-radius: .4rem; display: block; }
figcaption { font-size: .85rem; opacity: .85; overflow-wrap: anywhere; }
.key b { color: #1a9850; } .key i { color: #d6382d; font-style: normal; } svg { max-width: 100%; height: auto; }
.bad { color: #c62b20; font-weight: 600; } .good { color: #16804a; font-weight: 600; }
@media (prefers-color-scheme: dark) { .bad { color: #ff7b70; } .good { color: #5fd598; } }
@media (max-width: 40rem) {
 body { margin: 1rem auto; } h1 { font-size: 1.6rem; line-height: 1.25; } .tiles { gap: 1.2rem 1.6rem; }
 .number { font-size: 1.7rem; } th, td { padding: .3rem .4rem; } table { font-size: .9rem; }
 .tiles > div { max-width: 44%; }
}
@media print { body { margin: 0; max-width: none; } figure, table, svg { break-inside: avoid; } }
"""
ROWS_SHOWN = 40


def page(title: str, body: str, *, style: str = "") -> str:
    """Return the whole file. `title` is text, `body` is HTML, and `style` is CSS that only this page needs."""
    return f"""<!doctype html><html lang="en"><meta charset="utf-8">
<title>{html.escape(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}{style}</style>
{body}</html>"""


def table(
    head: Sequence[str], rows: Iterable[Sequence[object]], *, numeric: Collection[int] = (), titled: bool = False
) -> str:
    """Return a table of texts. The columns at the places in `numeric` hold numbers; with `titled` the first column
    holds the titles of the rows.
    """

    def cell(place: int, text: object, kind: str) -> str:
        right = ' class="n"' if place in numeric else ""
        return f"<{kind}{right}>{html.escape(str(text))}</{kind}>"

    heads = "".join(cell(place, name, "th") for place, name in enumerate(head))
    body = "".join(
        "<tr>"
        + "".join(cell(place, text, "th" if titled and not place else "td") for place, text in enumerate(row))
        + "</tr>"
        for row in rows
    )
    return f"<table><tr>{heads}</tr>{body}</table>"


def long_table(head: Sequence[str], rows: Sequence[Sequence[object]], nothing: str) -> str:
    """Return the first rows of a table with how many more there are; without any row the text `nothing`, as good
    news.
    """
    if not rows:
        return f'<p class="good">{html.escape(nothing)}</p>'
    return table(head, rows[:ROWS_SHOWN]) + rest(len(rows) - ROWS_SHOWN)


def rest(number: int, what: str = "more") -> str:
    """Return that `number` things are not shown; nothing where all are."""
    return f"<p>… and {number} {what}</p>" if number > 0 else ""


def tile(value: str, label: str) -> str:
    """Return one large number of a row of tiles, with what it is."""
    return f'<div><div class="number">{html.escape(value)}</div>{html.escape(label)}</div>'


def figure(uri: str, caption: str) -> str:
    """Return a picture with its caption, a text."""
    return (
        f'<figure><img src="{uri}" alt="{html.escape(caption)}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def count(number: int, one: str, several: str = "") -> str:
    """Return a number with its noun; `several` is the noun's plural where that is not `one` with an s."""
    return f"{number} {one if number == 1 else several or one + 's'}"
