"""Every fact is about something, carries ids rather than words, and is shown by feeds that exist."""

import re

import pytest

from domain.catalogue import CATALOGUE
from domain.kernel.events import Event
from domain.kernel.feeds import Feed

EVENTS = [pytest.param(event, id=name) for name, event in sorted(CATALOGUE.events.items()) if name]
FEEDS = [pytest.param(feed, id=feed.template) for feed in CATALOGUE.feeds]
PERSONAL = re.compile(r"(^|_)(name|email|phone|text|title|plate)s?$")


@pytest.mark.parametrize("event", EVENTS)
def test_a_fact_is_named_after_what_it_is_about(event: type[Event]):
    assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", event.name)
    assert (event.subject or f"{event.name.split('.')[0]}_id") in event.__struct_fields__
    assert event.__doc__ and event.__doc__.strip().endswith(".")


@pytest.mark.parametrize("event", EVENTS)
def test_a_fact_carries_no_words_about_persons(event: type[Event]):
    assert not [name for name in event.__struct_fields__ if PERSONAL.search(name)]


@pytest.mark.parametrize("feed", FEEDS)
def test_a_feed_has_a_door_and_shows_facts_of_the_catalogue(feed: Feed):
    assert feed.opens is not None, "somebody decides who may follow"
    assert set(feed.shown) <= set(CATALOGUE.events.values())
    assert not feed.shown or feed.begins is not None, "what changes has a first view to change"


@pytest.mark.parametrize("feed", FEEDS)
def test_a_channel_belongs_to_one_feed_and_gives_its_ids_back(feed: Feed):
    ids = {name: number for number, name in enumerate(feed.parameters, start=3)}
    channel = feed.channel(**ids)
    assert [one.template for one in CATALOGUE.feeds if one.match(channel) is not None] == [feed.template]
    assert feed.match(channel) == ids
