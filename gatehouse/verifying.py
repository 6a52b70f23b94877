"""`gatehouse verify-log`: go through the log of every gate and tell what is not as the gate wrote it."""

import sys
import time
from collections.abc import Sequence

from domain.access.operations.proofs import Proof
from domain.kernel.caller import SERVICE
from domain.kernel.errors import NotFound
from gatehouse.own_database import with_database
from gatehouse.parts import process_of
from gatehouse.settings import Settings


async def verify_log(settings: Settings, gate_ids: Sequence[int]) -> None:
    """Print a line per journal and per finding; end the process with 1 where there are findings."""
    began, events, findings = time.monotonic(), 0, 0
    async with with_database(settings) as settled, process_of(settled, connections=2) as process:
        for gate_id in gate_ids or await process.runtime.call(SERVICE, "access.list_logs"):
            try:
                proof: Proof = await process.runtime.call(SERVICE, "access.verify_gate", {"gateId": gate_id})
            except NotFound as refusal:
                sys.exit(f"gatehouse: {refusal.detail}")
            _tell(proof)
            events += sum(journal.events for journal in proof.journals)
            findings += len(proof.findings)
    took = time.monotonic() - began
    print(f"{events:,} events verified in {took:.1f} s, {findings} findings")
    if findings:
        sys.exit(1)


def _tell(proof: Proof) -> None:
    for journal in proof.journals:
        missing = journal.up_to - journal.events - journal.unreadable
        words = [f"{max(missing, 0)} missing", f"last seq {journal.last:,}"]
        words += [f"{journal.erased} without their person"] if journal.erased else []
        words += [f"{journal.unreadable} unreadable, in quarantine"] if journal.unreadable else []
        print(f"gate {proof.gate_id} {proof.name!r}, journal {journal.epoch}: {', '.join(words)}")
    for finding in proof.findings:
        print(f"  gate {proof.gate_id}, journal {finding.epoch}: event {finding.seq} {finding.problem}")
