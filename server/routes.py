"""The table of HTTP: which method and path is which operation.

Every path answers with and without `/api` before it. What has no path is at `POST /rpc/{operation}`.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec


class Route(msgspec.Struct, frozen=True):
    """One line of the table; braces in the path hold ids, named as the operation names them."""

    method: str
    path: str
    operation: str
    status: int = 200
    media: str = "application/json"

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the ids in the path."""
        return tuple(word[1:-1] for word in _words(self.path) if word.startswith("{"))


ROUTES: Final = (
    Route("POST", "/auth/register", "identity.register", 201),
    Route("POST", "/auth/login", "identity.login"),
    Route("POST", "/auth/refresh", "identity.refresh"),
    Route("POST", "/auth/logout", "identity.logout"),
    Route("GET", "/auth/me", "identity.me"),
    Route("POST", "/auth/reset-password", "identity.request_password_reset", 202),
    Route("POST", "/auth/reset-password/confirm", "identity.confirm_password_reset"),
    Route("GET", "/users", "identity.list_users"),
    Route("POST", "/users", "identity.create_user", 201),
    Route("GET", "/users/{user_id}", "identity.get_user"),
    Route("DELETE", "/users/{user_id}", "identity.deactivate_user"),
    Route("PUT", "/users/{user_id}/roles", "identity.change_roles"),
    Route("GET", "/sites", "sites.list_sites"),
    Route("POST", "/sites", "sites.create_site", 201),
    Route("GET", "/sites/{site_id}", "sites.get_site"),
    Route("PUT", "/sites/{site_id}", "sites.change_site"),
    Route("PUT", "/sites/{site_id}/shard", "sites.move_site"),
    Route("GET", "/zones", "access.list_zones"),
    Route("POST", "/zones", "access.create_zone", 201),
    Route("GET", "/zones/{zone_id}", "access.get_zone"),
    Route("PUT", "/zones/{zone_id}", "access.change_zone"),
    Route("POST", "/zones/{zone_id}/open", "access.open_zone"),
    Route("GET", "/schedules", "access.list_schedules"),
    Route("POST", "/schedules", "access.create_schedule", 201),
    Route("PUT", "/schedules/{schedule_id}", "access.change_schedule"),
    Route("GET", "/sites/{site_id}/holidays", "access.list_holidays"),
    Route("POST", "/sites/{site_id}/holidays", "access.set_holiday"),
    Route("DELETE", "/sites/{site_id}/holidays", "access.unset_holiday"),
    Route("GET", "/watch-list", "access.list_watch_list"),
    Route("POST", "/watch-list", "access.watch", 201),
    Route("DELETE", "/watch-list/{watch_id}", "access.unwatch"),
    Route("GET", "/gates", "access.list_gates"),
    Route("POST", "/gates", "access.create_gate", 201),
    Route("GET", "/gates/{gate_id}", "access.get_gate"),
    Route("PUT", "/gates/{gate_id}", "access.change_gate"),
    Route("POST", "/gates/{gate_id}/device", "access.provision_gate"),
    Route("POST", "/gates/{gate_id}/enrolment", "access.open_enrolment", 201),
    Route("POST", "/gates/{gate_id}/device/disable", "access.disable_device"),
    Route("POST", "/gates/{gate_id}/device/enable", "access.enable_device"),
    Route("GET", "/gates/{gate_id}/journals", "access.list_journals"),
    Route("GET", "/devices", "access.list_devices"),
    Route("POST", "/devices/enrol", "access.enrol_device", 201),
    Route("GET", "/quarantine", "access.list_quarantine"),
    Route("GET", "/gates/{gate_id}/proof", "access.verify_gate"),
    Route("PUT", "/gates/{gate_id}/mode", "access.order_gate"),
    Route("GET", "/gates/{gate_id}/commands", "access.list_commands"),
    Route("POST", "/gates/{gate_id}/commands", "access.command_gate", 202),
    Route("PUT", "/sites/{site_id}/mode", "access.order_site"),
    Route("GET", "/sites/{site_id}/orders", "access.list_orders"),
    Route("GET", "/guest-passes", "access.list_guest_passes"),
    Route("POST", "/guest-passes", "access.create_guest_pass", 201),
    Route("GET", "/guest-passes/{guest_pass_id}", "access.get_guest_pass"),
    Route("GET", "/guest-passes/{guest_pass_id}/qr.svg", "access.guest_pass_qr_svg", media="image/svg+xml"),
    Route("GET", "/guest-passes/{guest_pass_id}/qr.png", "access.guest_pass_qr_png", media="image/png"),
    Route("POST", "/guest-passes/{guest_pass_id}/revoke", "access.revoke_guest_pass"),
    Route("GET", "/guest-passes/{guest_pass_id}/confirmations", "access.list_guest_pass_confirmations"),
    Route("GET", "/passes/{pass_id}/confirmations", "access.list_pass_confirmations"),
    Route("GET", "/guest-passes/{guest_pass_id}/link", "access.give_guest_link"),
    Route("POST", "/guest-page", "access.open_guest_page"),
    Route("GET", "/sites/{site_id}/guests", "access.find_guests"),
    Route("GET", "/passes", "access.list_passes"),
    Route("POST", "/passes", "access.create_pass", 201),
    Route("GET", "/passes/{pass_id}", "access.get_pass"),
    Route("PUT", "/passes/{pass_id}", "access.change_pass"),
    Route("POST", "/passes/{pass_id}/revoke", "access.revoke_pass"),
    Route("GET", "/passes/{pass_id}/qr.svg", "access.pass_qr_svg", media="image/svg+xml"),
    Route("GET", "/passes/{pass_id}/qr.png", "access.pass_qr_png", media="image/png"),
    Route("GET", "/passes/{pass_id}/live", "access.live_pass"),
    Route("GET", "/passes/{pass_id}/credentials", "access.list_credentials"),
    Route("POST", "/passes/{pass_id}/credentials", "access.add_credential", 201),
    Route("POST", "/passes/{pass_id}/pin", "access.give_pin", 201),
    Route("DELETE", "/credentials/{credential_id}", "access.remove_credential"),
    Route("GET", "/visit-logs", "access.list_visits"),
    Route("POST", "/visit-logs", "access.log_visit", 201),
    Route("GET", "/access-log", "access.list_access_log"),
    Route("POST", "/gates/{gate_id}/override", "access.override", 201),
    Route("POST", "/sites/{site_id}/forgiveness", "access.forgive_pass", 201),
    Route("PUT", "/zones/{zone_id}/count", "access.correct_count"),
    Route("GET", "/alarms", "access.list_alarms"),
    Route("POST", "/alarms/{alarm_id}/acknowledge", "access.acknowledge_alarm"),
    Route("POST", "/alarms/{alarm_id}/close", "access.close_alarm"),
    Route("GET", "/sites/{site_id}/inside", "access.list_inside"),
    Route("POST", "/sites/{site_id}/occupancy", "access.rebuild_occupancy"),
    Route("GET", "/musters", "access.list_musters"),
    Route("POST", "/musters", "access.begin_muster", 201),
    Route("GET", "/musters/{muster_id}", "access.show_muster"),
    Route("POST", "/musters/{muster_id}/end", "access.end_muster"),
    Route("POST", "/musters/{muster_id}/scans", "access.scan_safe"),
    Route("PUT", "/musters/{muster_id}/people/{pass_id}", "access.mark_safe"),
    Route("DELETE", "/musters/{muster_id}/people/{pass_id}", "access.unmark_safe"),
    Route("GET", "/access-log/{access_id}/decision", "access.explain_decision"),
    Route("GET", "/access-log/{access_id}/proof", "access.prove_event"),
    Route("GET", "/sites/{site_id}/log-roots", "access.list_log_roots"),
    Route("GET", "/sites/{site_id}/log-omissions", "access.list_log_omissions"),
    Route("GET", "/sites/{site_id}/retention", "access.get_retention"),
    Route("PUT", "/sites/{site_id}/retention", "access.set_retention"),
    Route("GET", "/sites/{site_id}/incident-holds", "access.list_incident_holds"),
    Route("POST", "/sites/{site_id}/incident-holds", "access.place_incident_hold", 201),
    Route("POST", "/incident-holds/{incident_hold_id}/release", "access.release_incident_hold"),
    Route("GET", "/persons/export", "access.export_person"),
    Route("POST", "/persons/erase", "access.erase_person"),
    Route("GET", "/hubs", "hubs.show_hubs"),
    Route("GET", "/notifications", "notifications.list_notifications"),
    Route("POST", "/notifications/{notification_id}/read", "notifications.read_notification"),
)


class Place(msgspec.Struct, frozen=True):
    """Where a path leads: its routes by method, and the ids found in it."""

    routes: Mapping[str, Route]
    ids: tuple[int, ...]

    @property
    def allow(self) -> str:
        """The methods, as the Allow header lists them."""
        return ", ".join(sorted({*self.routes, "HEAD"} if "GET" in self.routes else self.routes))


class Table:
    """Finds the routes of a path, word by word; a fixed word goes before an id."""

    def __init__(self, routes: Iterable[Route] = ROUTES) -> None:
        self.routes = tuple(routes)
        self._root = _Node()
        for route in self.routes:
            self._add(route)

    def find(self, path: str) -> Place | None:
        """Return where ``path`` leads, with or without `/api`."""
        words = _words(path)
        node, ids = self._root, []
        for word in words[1:] if words[:1] == ["api"] else words:
            if (fixed := node.words.get(word)) is not None:
                node = fixed
            elif node.any is not None and _is_id(word):
                node = node.any
                ids.append(int(word))
            else:
                return None
        return Place(node.routes, tuple(ids)) if node.routes else None

    def _add(self, route: Route) -> None:
        node = self._root
        for word in _words(route.path):
            if word.startswith("{"):
                node.any = node.any or _Node()
                node = node.any
            else:
                node = node.words.setdefault(word, _Node())
        if route.method in node.routes:
            raise ValueError(f"{route.method} {route.path} is in the table twice")
        node.routes[route.method] = route


class _Node:
    def __init__(self) -> None:
        self.words: dict[str, _Node] = {}
        self.any: _Node | None = None
        self.routes: dict[str, Route] = {}


def _words(path: str) -> list[str]:
    return path.strip("/").split("/")


def _is_id(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) <= 18
