# SPDX-License-Identifier: Apache-2.0
"""The worst case of every stream of a plan, proven for conforming traffic.

Total flow analysis for strict-priority, first-in-first-out, store-and-forward
networks with whole frames: staircase arrivals with jitter, capped by the wire they
came over, searched exactly at every queue; cyclic dependencies by fixed point. Whole
paths over plain wires are bounded again by :mod:`netplan.bounds.lp`; the lower bound counts.
It reads service curves and counted octets only, never how a medium works.

Source: Le Boudec, Thiran, Network Calculus (2001); Bouillard, Boyer, Le Corronc,
Deterministic Network Calculus (2018), chapters 7 and 10; Thomas, Le Boudec, Mifdaoui (RTSS 2019).
"""

from __future__ import annotations

from netplan.bounds.backlog import egress_bounds
from netplan.bounds.chains import chain_bounds
from netplan.bounds.fixpoint import settle
from netplan.bounds.lp import pay_bursts_once
from netplan.bounds.network import network_of
from netplan.bounds.paths import stream_bounds
from netplan.plan.model import Plan
from netplan.verdict.evidence import BoundEvidence

METHOD = (
    "packetised total flow analysis with staircase arrivals and ingress shaping; where lower, linear "
    "programs over whole paths of plain wires"
)

ASSUMPTIONS = (
    "Every talker keeps its contract; frames of one message are released at the same instant.",
    "Nodes store and forward; queues are first in, first out; higher ones go first, interrupt none.",
    "Nothing but the plan's streams uses the transmitters.",
    "Processing and propagation keep the order of the frames that came in over the same wire.",
    "Simultaneous events may happen in any order; phases of talkers may be any.",
    "Times are counted in whole picoseconds; every frame's time is rounded up on its own.",
    "Beside frames that are later than a service curve with exceedance says, no bound is claimed.",
)
"""What every bound rests on."""


def bound(plan: Plan) -> BoundEvidence:
    """Prove worst-case latencies, reaction times and backlogs of a plan."""
    network = network_of(plan)
    settle(network)
    egresses = egress_bounds(network)
    streams = pay_bursts_once(network, stream_bounds(network, egresses))
    of_media = dict.fromkeys(
        assumption for egress in plan.egresses for assumption in egress.assumptions
    )
    return BoundEvidence(
        design_hash=plan.design_hash,
        method=METHOD,
        streams=streams,
        egresses=egresses,
        chains=chain_bounds(network, streams),
        assumptions=(*ASSUMPTIONS, *of_media),
    )
