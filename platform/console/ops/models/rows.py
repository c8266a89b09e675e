"""A model with its facts as the list and its page show them."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC

from console.uptime import State
from generation.catalogue.contracts import AUTO
from generation.oversight.lineup import Life, Listed

FEW = 2
"""Channels that are named in a row; of more, how many."""
_STATES: dict[Life, State] = {
    Life.OFFERED: "ok",
    Life.ENDING: "warn",
    Life.ENDED: "idle",
    Life.OFF: "idle",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A model in the list."""

    of: Listed

    @property
    def name(self) -> str:
        """The public one."""
        return self.of.terms.model

    @property
    def badge(self) -> tuple[State, str]:
        """Its life: a colour and the words, with the day of its end."""
        terms, life = self.of.terms, self.of.life
        if terms.sunset_at is None or life is Life.OFF:
            return _STATES[life], life.capitalize()
        verb = "Ends" if life is Life.ENDING else "Ended"
        return _STATES[life], f"{verb} {terms.sunset_at.astimezone(UTC):%-d %b %Y}"

    @property
    def sizes(self) -> str:
        """As '12 sizes: 4 of Base, 8 of 2K, auto'."""
        terms = self.of.terms
        number = len(terms.options)
        tiers = Counter(option.tier for option in terms.options)
        said = f"{number} size{'' if number == 1 else 's'}" if number else ""
        if len(tiers) > 1:
            parts = (f"{many} of {tier[:1].upper()}{tier[1:]}" for tier, many in tiers.items())
            said += f": {', '.join(parts)}"
        ends = [AUTO] if terms.accepts_auto else []
        return ", ".join([said, *ends] if said else ends)

    @property
    def channels(self) -> list[str]:
        """Their names, with the share of each where several are asked; none of too many."""
        serving = self.of.serving
        if len(serving) > FEW:
            return []
        if len(serving) == 1:
            return [serving[0].channel]
        return [f"{one.channel} {100 * one.share:.0f}%" for one in serving]

    @property
    def why(self) -> str:
        """What is wrong with it, as a sentence."""
        said = "; ".join(self.of.troubles)
        return said[:1].upper() + said[1:]
