"""Every operation is documented, named after its context, and refuses whom it does not allow."""

import re

import pytest

from domain.catalogue import CATALOGUE
from domain.kernel.caller import ROLES, Caller
from domain.kernel.errors import Forbidden, Unauthenticated
from domain.kernel.operations import Operation
from domain.kernel.runtime import authorise

EVERY = [pytest.param(operation, id=name) for name, operation in sorted(CATALOGUE.operations.items())]


@pytest.mark.parametrize("operation", EVERY)
def test_it_is_named_after_its_context_and_a_verb(operation: Operation):
    assert re.fullmatch(r"[a-z]+\.[a-z]+(_[a-z]+)*", operation.name)
    context, verb = operation.name.split(".")
    assert operation.handler.__module__.split(".")[:2] == ["domain", context]
    assert getattr(operation.handler, "__name__", verb).strip("_") == verb


@pytest.mark.parametrize("operation", EVERY)
def test_it_says_in_a_sentence_what_it_is_for(operation: Operation):
    first = operation.summary.partition("\n\n")[0]
    assert first[0].isupper() and first.rstrip().endswith(".")


@pytest.mark.parametrize("operation", EVERY)
def test_it_is_open_to_roles_that_exist(operation: Operation):
    assert operation.allow and operation.allow <= ROLES


@pytest.mark.parametrize("operation", EVERY)
def test_what_only_reads_needs_neither_a_transaction_nor_a_replay(operation: Operation):
    assert not (operation.reads and operation.recorded)


@pytest.mark.parametrize("operation", EVERY)
def test_it_refuses_every_role_it_does_not_allow(operation: Operation):
    for role in ROLES - operation.allow:
        caller = Caller(roles=frozenset({role}), user_id=1)  # type: ignore[arg-type]  # a role, taken from its set
        with pytest.raises(Unauthenticated if role == "anonymous" else Forbidden):
            authorise(operation, caller)


@pytest.mark.parametrize("operation", EVERY)
def test_its_aliases_lead_to_fields_it_has(operation: Operation):
    fields = set(operation.params.__struct_encode_fields__)
    assert set(operation.aliases.values()) <= fields
    assert not set(operation.aliases) & fields
