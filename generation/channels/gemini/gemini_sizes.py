"""The sizes of Gemini's models: a ratio and a class, each with its own pixels. Pure.

Source: Gemini API, "Image generation", aspect ratios and image size (3 October 2026).
"""

from collections.abc import Mapping

_AT_1K = {
    "1:1": (1024, 1024), "3:2": (1264, 848), "4:3": (1200, 896), "5:4": (1152, 928),
    "16:9": (1376, 768), "21:9": (1584, 672),
}  # fmt: skip
_LONG = {"4:1": (2048, 512), "8:1": (3072, 384)}
_OF_2_5 = {
    "1:1": (1024, 1024), "3:2": (1248, 832), "4:3": (1184, 864), "5:4": (1152, 896),
    "16:9": (1344, 768), "21:9": (1536, 672),
}  # fmt: skip


def gemini_sizes(model: str) -> Mapping[str, tuple[str, str]]:
    """A model's ratio and class for each size it makes; the class is "" if it takes none."""
    is_long = "nano-banana-2.1" in model or "3.1-flash-image" in model
    ratios, classes = _AT_1K | (_LONG if is_long else {}), {"1K": 1, "2K": 2, "4K": 4}
    if "lite" in model:
        classes = {"1K": 1}
    if "2.5-flash-image" in model:
        ratios, classes = _OF_2_5, {"": 1}
    sizes: dict[str, tuple[str, str]] = {}
    for name, times in classes.items():
        for ratio, (width, height) in ratios.items():
            sizes[f"{width * times}x{height * times}"] = (ratio, name)
            if ratio != "21:9":  # which none makes upright
                upright = ":".join(reversed(ratio.split(":")))
                sizes[f"{height * times}x{width * times}"] = (upright, name)
    return sizes
