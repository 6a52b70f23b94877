"""What is counted is named without saying whose it is."""

from domain.identity.rules.limits import FAILED_LOGINS_FROM_ADDRESS, FAILED_LOGINS_OF_EMAIL, subject
from domain.kernel.keys import Keys

KEYS = Keys("a secret of tests")


def test_each_kind_and_person_has_a_name_of_its_own():
    named = {
        subject(keys, limit, whose).key
        for keys in (KEYS, Keys("another"))
        for limit in (FAILED_LOGINS_OF_EMAIL, FAILED_LOGINS_FROM_ADDRESS)
        for whose in ("ivan@example.com", "maria@example.com")
    }

    assert len(named) == 8
    assert not [key for key in named if "example" in key]
    assert subject(KEYS, FAILED_LOGINS_OF_EMAIL, "ivan@example.com").key in named
