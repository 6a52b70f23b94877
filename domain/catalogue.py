"""The table of contents of the business: one line per context, lowest first."""

from domain import access, identity, kernel, notifications, sites
from domain.kernel.contexts import load

CATALOGUE = load([kernel, sites, identity, access, notifications])
