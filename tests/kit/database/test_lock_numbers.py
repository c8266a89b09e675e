"""Each advisory lock excludes only its own work."""

from pictor.kit.database import lock_numbers


def test_no_two_locks_have_the_same_number():
    numbers = [value for value in vars(lock_numbers).values() if isinstance(value, int)]

    assert lock_numbers.HOURLY_PROOF in numbers
    assert sorted(numbers) == sorted(set(numbers))
