"""What identity tells the world, under its names and the names that others know it by."""

from domain.identity import events
from domain.identity.events import SessionRevoked, UserDeactivated, UserRoleChanged
from domain.kernel.events import Closing, collect_events


def test_facts_have_the_names_that_were_promised():
    found = collect_events([events])

    assert set(found) == {
        "user.created",
        "user.role_changed",
        "user.password_changed",
        "user.deactivated",
        "session.created",
        "session.revoked",
        "session.reuse_detected",
    }
    assert found["user.created"].aliases == ("auth.user.registered", "user_registered")
    assert found["session.created"].aliases == ("auth.user.login",)
    assert found["session.revoked"].aliases == ("auth.user.logout",)


def test_what_ends_a_right_says_whose():
    assert SessionRevoked(session_id=9, user_id=7, reason="logout").closes == Closing(7, 9)
    assert UserDeactivated(user_id=7).closes == Closing(7)
    assert UserRoleChanged(user_id=7, site_id=1, role="guard", granted=True).closes == Closing(7)
