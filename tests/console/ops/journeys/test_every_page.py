"""Every page of the operator's console in a real browser, in every look."""

import pytest

from tests.console.ops.journeys.every_page import PAGES, wrong_with


@pytest.mark.parametrize("address", PAGES, ids=lambda one: one.name)
def test_a_page_keeps_what_the_console_promises(signed_in, found, place, stack, address):
    wrong = wrong_with(address, session=signed_in, found=found, place=place, stack=stack)

    assert wrong == []
