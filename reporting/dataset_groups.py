"""Groups of near-twins: why images are in one group, and that none of them lie across splits."""

import html
from collections.abc import Iterable

from reporting.dataset_images import Looked, photo, short
from reporting.page import count, rest
from sightline.datasets import agreement, grouping
from sightline.datasets.splits import SPLITS

GROUPS_SHOWN, MEMBERS_SHOWN = 40, 12  # of each split, of each group: a page of a large set still opens
COMPARED = 60  # members of a group among which the nearest is looked for
PAIRS_SHOWN = 6

Nearest = dict[str, tuple[Looked, float]]  # by an image's name: its nearest one, and how well they agree


def members_of(images: Iterable[Looked]) -> dict[str, list[Looked]]:
    """Return images by group, the largest group first."""
    groups: dict[str, list[Looked]] = {}
    for image in images:
        groups.setdefault(image.group, []).append(image)
    return dict(sorted(groups.items(), key=lambda entry: (-len(entry[1]), entry[0])))


def nearest(members: list[Looked]) -> Nearest:
    """Return for each member with pixels the other member that agrees with it best, and how well: what put it into the
    group.
    """
    known = [member for member in members if member.hash][:COMPARED]
    pairs = [(a, b) for place, a in enumerate(known) for b in known[place + 1 :]]
    hashes = {member.name: member.hash for member in known}
    found: Nearest = {}
    for (a, b), value in zip(pairs, agreement.agreements(hashes, [(a.name, b.name) for a, b in pairs]), strict=True):
        for one, other in ((a, b), (b, a)):
            if one.name not in found or value > found[one.name][1]:
                found[one.name] = (other, value)
    return found


def _group(members: list[Looked], closest: Nearest) -> str:
    """Return one group: each member with its nearest one and the agreement of the two."""
    figures = "".join(
        photo(member, f"<b>{place}</b> {html.escape(short(member.name))}{_nearest_in_words(member, members, closest)}")
        for place, member in enumerate(members[:MEMBERS_SHOWN], start=1)
    )
    more = rest(len(members) - MEMBERS_SHOWN)
    boxes = sum(len(member.boxes) for member in members)
    title = f"{short(members[0].group)} · {count(len(members), 'image')}, {count(boxes, 'box', 'boxes')}"
    return f'<div class="group"><h3>{html.escape(title)}</h3><div class="images">{figures}</div>{more}</div>'


def _nearest_in_words(member: Looked, members: list[Looked], closest: Nearest) -> str:
    if member.name not in closest:
        return ""
    other, value = closest[member.name]
    places = {shown.name: place for place, shown in enumerate(members[:MEMBERS_SHOWN], start=1)}
    # Its name says which it is where there is no picture to point at: beyond those shown, or in another split, which
    # a group reaches when a photo joins two groups that an earlier version has split.
    which = f"picture {places[other.name]}" if other.name in places else html.escape(short(other.name))
    which += "" if other.split == member.split else f" in {other.split}"
    weak = " (less than a near-twin: joined through an image that is not shown)"
    return f"<br>nearest: {which}, agreement {value:.2f}{'' if value >= agreement.AGREEMENT else weak}"


def contact_sheet(images: list[Looked], closest: Nearest) -> str:
    """Return every split's groups with pictures, the largest first; images without a near-twin at the end."""
    return "".join(_split(split, [image for image in images if image.split == split], closest) for split in SPLITS)


def _split(split: str, images: list[Looked], closest: Nearest) -> str:
    groups = list(members_of(images).values())
    several = [members for members in groups if len(members) > 1]
    alone = [members[0] for members in groups if len(members) == 1]
    shown = "".join(_group(members, closest) for members in several[:GROUPS_SHOWN])
    more = rest(len(several) - GROUPS_SHOWN, "more groups")
    return f"<h3>{split}: {count(len(groups), 'group')}, {len(images)} images</h3>{shown}{more}{_alone(alone)}"


def _alone(images: list[Looked]) -> str:
    if not images:
        return ""
    figures = "".join(photo(image, html.escape(short(image.name))) for image in images[:MEMBERS_SHOWN])
    return (
        f'<div class="group"><h3>{count(len(images), "image")} without a near-twin</h3>'
        f'<div class="images">{figures}</div>{rest(len(images) - MEMBERS_SHOWN)}</div>'
    )


def across(images: list[Looked]) -> str:
    """Return that no near-twins lie across splits, or which do; the closest pairs as evidence."""
    known = {image.name: image for image in images if image.hash}
    closest = grouping.closest_apart(
        {name: image.hash for name, image in known.items()}, {name: image.split for name, image in known.items()}
    )
    figures = []
    for a, b, value in closest[:PAIRS_SHOWN]:
        both = "".join(photo(known[name], f"{known[name].split}: {html.escape(short(name))}") for name in (a, b))
        figures.append(f'<div>Agreement {value:.2f}<div class="pair">{both}</div></div>')
    intro = "<p>The closest pairs across splits, as evidence:</p>" if figures else ""
    return f'{_verdict([value for _, _, value in closest])}{intro}<div class="pairs">{"".join(figures)}</div>'


def _verdict(agreements: list[float]) -> str:
    """Return what the agreements of the closest pairs across splits mean, the best one first."""
    torn = sum(value >= agreement.AGREEMENT for value in agreements)
    limit = f"near-twins agree by {agreement.AGREEMENT} or more"
    if torn:
        return (
            f'<p class="verdict bad">{count(torn, "pair")} of near-twins across splits ({limit}): the image that '
            "came later connects parts that were apart when the splits were frozen.</p>"
        )
    if agreements:
        return (
            f'<p class="verdict good">No pair of near-twins lies across splits: of {len(agreements)} likely pairs the '
            f"closest agrees by {agreements[0]:.2f} ({limit}).</p>"
        )
    return (
        '<p class="verdict good">No pair of near-twins lies across splits: no two images there look alike at all.</p>'
    )
