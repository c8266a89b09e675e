"""Volcengine Ark, which is BytePlus ModelArk abroad, for Seedream."""
