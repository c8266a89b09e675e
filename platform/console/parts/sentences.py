"""Words of services as sentences."""


def capitalised(words: str) -> str:
    """Return words with a capital, except if an id such as gpt-image-2 stands first."""
    first = words.partition(" ")[0].rstrip(".,:;?")
    return words[:1].upper() + words[1:] if first.isalpha() else words


def counted(number: int, thing: str) -> str:
    """'1 line', '2 lines'."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def sentence(words: str) -> str:
    return capitalised(words) + ("" if words.endswith((".", "?")) else ".")
