"""The table of contents of the business: one line per context, lowest first."""

from domain import access, hubs, identity, kernel, notifications, sites
from domain.kernel.contexts import load

CATALOGUE = load([kernel, hubs, sites, identity, access, notifications])
