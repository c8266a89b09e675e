"""The prompts of the demo data's shop, made of things, places and looks. Pure."""

from random import Random

_THINGS = (
    "A ceramic teapot",
    "A brass desk lamp",
    "A linen armchair",
    "A walnut side table",
    "A stack of wool blankets",
    "A glass carafe with lemons",
    "A pair of leather slippers",
    "A wicker picnic basket",
    "A cast-iron pan",
    "A set of stoneware bowls",
    "A terracotta planter",
    "A paper lantern",
    "A rattan mirror",
    "An enamel coffee pot",
    "A cotton hammock",
    "A bicycle with a wooden crate",
    "A candle in a smoked glass",
    "A folding garden chair",
    "A hand-woven rug",
    "A bookshelf with trailing plants",
)
_PLACES = (
    "on a marble counter",
    "in a sunlit kitchen",
    "on a seamless grey backdrop",
    "in front of a window with rain",
    "on a wooden jetty at dawn",
    "in a small Lisbon apartment",
    "under an olive tree",
    "on a white table, seen from above",
    "in a winter garden",
    "beside an open fireplace",
    "on a balcony over the sea",
    "in a quiet hallway",
)
_LOOKS = (
    "soft morning light",
    "studio light, sharp focus",
    "muted colours, 50 mm",
    "warm evening light",
    "watercolour",
    "flat illustration, two colours",
    "high contrast, black and white",
    "pastel colours, lots of empty space",
    "catalogue photograph",
)
REFUSED_PROMPTS = (
    "A famous footballer wearing our slippers, photorealistic",
    "Our lamp in the style of a living comic artist, with their signature",
    "A politician asleep in the linen armchair, press photo",
)
"""Prompts that a content policy refuses."""
TAGS = ("shop-de", "shop-fr", "shop-pt", "newsletter", "catalogue-team", "designer-ines")
"""The shop's values of `user`."""


def prompt(random: Random) -> str:
    """One of some two thousand prompts."""
    return f"{random.choice(_THINGS)} {random.choice(_PLACES)}, {random.choice(_LOOKS)}"
