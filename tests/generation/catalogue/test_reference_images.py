from dataclasses import replace

import pytest

from generation.catalogue import reference_images
from generation.channels.declaration import Task
from storage.containers.pieces import NotAnImage, UnknownFormat
from storage.probe import ImageFacts, TooManyPixels

IMAGE = ImageFacts("jpeg", 64, 48)
MASK = ImageFacts("png", 64, 48, has_alpha=True)
SQUARE = ImageFacts("png", 64, 64)


@pytest.mark.parametrize(
    ("task", "found", "at_fault"),
    [
        (Task.GENERATE, {"image": IMAGE, "mask": IMAGE}, None),
        (Task.EDIT, {"image[0]": IMAGE}, None),
        (Task.EDIT, {"image[0]": IMAGE, "image[1]": SQUARE, "mask": MASK}, None),
        (Task.EDIT, {"image[0]": SQUARE, "image[1]": IMAGE, "mask": MASK}, "mask"),
        (Task.EDIT, {"image[0]": IMAGE, "mask": ImageFacts("png", 64, 48)}, "mask"),
        (Task.EDIT, {"mask": MASK}, None),
        (Task.EDIT, {"mask": ImageFacts("png", 64, 48)}, "mask"),
        (Task.EDIT, {"image[0]": IMAGE, "markup": MASK}, None),
        (Task.EDIT, {"image[0]": SQUARE, "markup": MASK}, "markup"),
        (Task.EDIT, {"image[0]": IMAGE, "markup": ImageFacts("png", 64, 48)}, "markup"),
        (Task.EDIT, {"image[0]": IMAGE, "markup": replace(MASK, format="webp")}, "markup"),
        (Task.EDIT, {}, None),
        (Task.EDIT, {"image[0]": IMAGE, "image[1]": replace(SQUARE, oddity="CMYK")}, "image[1]"),
        (Task.GENERATE, {"image": replace(IMAGE, oddity="animated")}, "image"),
        (Task.VARIATION, {"image[0]": SQUARE}, None),
        (Task.VARIATION, {"image[0]": MASK}, "image"),
        (Task.VARIATION, {"image[0]": ImageFacts("webp", 64, 64)}, "image"),
    ],
)
def test_what_lies_over_an_image_fits_it_and_what_is_varied_is_a_square_png(task, found, at_fault):
    problem = reference_images.problem(task, list(found.items()))

    assert (problem and problem[0]) == at_fault


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            TooManyPixels(ImageFacts("webp", 4500, 2501), 11_250_000),
            "has more than 11.25 megapixels, the most that a webp may have",
        ),
        (
            TooManyPixels(ImageFacts("jpeg", 4001, 3000), 12_000_000),
            "has more than 12 megapixels, the most that a progressive jpeg may have",
        ),
        (
            TooManyPixels(ImageFacts("png", 4001, 4000), 16_000_000),
            "has more than 16 megapixels, the most that an image may have",
        ),
        (
            NotAnImage("an image cut short"),
            "is broken or cut short: it does not decode whole",
        ),
        (UnknownFormat("neither png, jpeg nor webp"), "is not a PNG, JPEG or WebP"),
    ],
)
def test_an_unreadable_image_is_refused_with_the_reason(error, said):
    assert reference_images.unreadable(error) == said
