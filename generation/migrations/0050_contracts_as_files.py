"""What a model's file says besides its contract: maker, use, source, formats, parameters."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models
from django.db.migrations.state import StateApps

from generation.models.offer import now_in_seconds, usual_formats

_ABOUT = {
    "dall-e-2": "Small square images, edits and variations at the lowest price.",
    "dall-e-3": "One detailed image from a long prompt.",
    "gpt-image-1": "Images and edits that follow instructions.",
    "gpt-image-2": "Images and edits that follow instructions closely, with legible text.",
    "gpt-image-2-pro": "As gpt-image-2, up to 4K, by named ratios.",
    "gpt-image-2-auto": "As gpt-image-2, in the size that suits the prompt.",
    "gpt-image-2-origin": "As gpt-image-2, in the very pixels of the model, never cropped.",
}


def say_what_the_first_models_are_good_for(apps: StateApps, _editor: object) -> None:
    """Fill in what their files say."""
    for model, about in _ABOUT.items():
        apps.get_model("generation", "Contract").objects.filter(pk=model).update(about=about)


class Migration(migrations.Migration):
    dependencies = [("generation", "0049_usage_by_tag")]

    operations = [
        *(
            migrations.AddField(
                "contract",
                name,
                models.CharField(
                    max_length=length, blank=True, db_default="", default="", help_text=words
                ),
            )
            for name, length, words in (
                ("maker", 64, ""),
                ("about", 200, "What it is good for."),
                ("source", 200, "Who promises this, when."),
            )
        ),
        migrations.AddField(
            "contract",
            "formats",
            ArrayField(
                models.CharField(max_length=8),
                default=usual_formats,
                db_default=["png", "jpeg", "webp"],
                help_text="The output formats it offers, the usual one first.",
            ),
        ),
        migrations.AddField(
            "contract",
            "most_references",
            models.SmallIntegerField(
                null=True, blank=True, help_text="Of a request; empty: as many as any model takes."
            ),
        ),
        migrations.AddField(
            "contract",
            "takes_ratio",
            models.BooleanField(
                default=False,
                db_default=False,
                help_text="aspect_ratio and resolution may choose a size.",
            ),
        ),
        migrations.AddField(
            "contract",
            "parameters",
            models.JSONField(
                default=list,
                db_default=[],
                blank=True,
                help_text="As in a model's file, and its name.",
            ),
        ),
        migrations.AddField(
            "contract",
            "token_rule",
            models.CharField(
                max_length=16,
                blank=True,
                default="",
                db_default="gpt-image-2",
                help_text="What reported tokens prove of the quality; empty: nothing.",
            ),
        ),
        migrations.AddField(
            "contract",
            "created",
            models.BigIntegerField(
                default=now_in_seconds,
                db_default=1_777_075_200,
                help_text="Unix seconds; 25 April 2026 for models of the first releases.",
            ),
        ),
        migrations.RunPython(say_what_the_first_models_are_good_for, migrations.RunPython.noop),
    ]
