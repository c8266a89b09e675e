"""A model as shown in the list and on its page."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC

from console.parts.sentences import capitalised
from console.uptime import State
from generation.catalogue.contracts import AUTO
from generation.oversight.model_list import Life, ListedModel

MAX_NAMED_CHANNELS = 2
"""Number of channels named in a row; more are counted."""
_STATES: dict[Life, State] = {
    Life.OFFERED: "ok",
    Life.ENDING: "warn",
    Life.ENDED: "idle",
    Life.OFF: "idle",
}


@dataclass(frozen=True, slots=True)
class ModelRow:
    of: ListedModel

    @property
    def name(self) -> str:
        return self.of.terms.model

    @property
    def badge(self) -> tuple[State, str]:
        """The life of the model as a colour and words, with the day of its sunset."""
        terms, life = self.of.terms, self.of.life
        if terms.sunset_at is None or life is Life.OFF:
            return _STATES[life], life.capitalize()
        verb = "Ends" if life is Life.ENDING else "Ended"
        return _STATES[life], f"{verb} {terms.sunset_at.astimezone(UTC):%-d %b %Y}"

    @property
    def sizes(self) -> str:
        """The sizes in words: '12 sizes: 4 of Base, 8 of 2K, auto'."""
        terms = self.of.terms
        number = len(terms.options)
        tiers = Counter(option.tier for option in terms.options)
        words = f"{number} size{'' if number == 1 else 's'}" if number else ""
        if len(tiers) > 1:
            parts = (f"{many} of {tier[:1].upper()}{tier[1:]}" for tier, many in tiers.items())
            words += f": {', '.join(parts)}"
        ends = [AUTO] * terms.accepts_auto + ["others by rule"] * (terms.size_rule is not None)
        return ", ".join([words, *ends] if words else ends)

    @property
    def channels(self) -> list[str]:
        """Names of the channels, with shares if there are several; empty if there are too many."""
        serving = self.of.serving
        if len(serving) > MAX_NAMED_CHANNELS:
            return []
        if len(serving) == 1:
            return [serving[0].channel]
        return [f"{serving.channel} {100 * serving.share:.0f}%" for serving in serving]

    @property
    def why(self) -> str:
        return capitalised("; ".join(self.of.troubles))
