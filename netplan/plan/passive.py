# SPDX-License-Identifier: Apache-2.0
"""Channels through passive optical networks: from each OLT port down the splitters to its ONUs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from netplan.catalog.model import Fibre, PonClass, PonSystem
from netplan.design.design import Design
from netplan.design.findings import Severity
from netplan.design.networks import PonNetwork
from netplan.design.resolve import Equipment, ResolvedLink, nearest
from netplan.media import pon
from netplan.media.optical import FibrePiece, odn_loss_db
from netplan.media.pon_budget import OnuPath, budget_findings
from netplan.plan.channel import Channel, Channels, always


@dataclass(frozen=True, slots=True, kw_only=True)
class _Branch:
    """The way from an OLT port to an ONU, or as far as it has been followed.

    ``losses_db`` are of splitters and attenuators, the same at every wavelength.
    """

    end: tuple[str, str]
    pieces: tuple[FibrePiece, ...] = ()
    losses_db: tuple[float, ...] = ()
    split_count: int = 1

    @property
    def length_m(self) -> float:
        """Fibre from the OLT."""
        return sum(piece.length_m for piece in self.pieces)

    @property
    def propagation_ps_per_m(self) -> int:
        """Of the slowest fibre on the way."""
        return max(piece.fibre.propagation_ps_per_m.value for piece in self.pieces)

    def path(self, system: PonSystem) -> OnuPath:
        """Losses at the system's two wavelengths."""
        down_db, up_db = (
            odn_loss_db(
                pieces=self.pieces, splitter_losses_db=self.losses_db, wavelength_nm=wavelength_nm
            )
            for wavelength_nm in (
                system.downstream_wavelength_nm.value,
                system.upstream_wavelength_nm.value,
            )
        )
        return OnuPath(
            onu=self.end[0],
            distance_m=self.length_m,
            downstream_loss_db=down_db,
            upstream_loss_db=up_db,
            split_count=self.split_count,
        )


def add_passive(design: Design, equipment: Equipment, channels: Channels) -> None:
    """Add both directions between every OLT port and the ONUs behind it."""
    ends = {end: link for link in equipment.links.values() if link.passive for end in link.ends}
    for name, node in equipment.nodes.items():
        network = design.networks.get(node.node.network or "")
        if "olt" not in node.functions or not isinstance(network, PonNetwork):
            continue
        standards = _standards(design, str(node.node.network), network, channels)
        if standards is None:
            continue
        for port in node.ports:
            if (name, port) in ends:
                branches = list(_branches(design, equipment, ends, (name, port), channels))
                if branches:
                    _add_tree(design, (name, port), network, standards, branches, channels)


def _standards(
    design: Design, name: str, network: PonNetwork, channels: Channels
) -> tuple[PonSystem, PonClass] | None:
    system = design.catalog.get(PonSystem, network.system)
    budget = design.catalog.get(PonClass, network.budget)
    if system is not None and budget is not None and budget.system == system.id:
        return system, budget
    key = "budget" if system is not None else "system"
    wrong = getattr(network, key)
    known: list[str] = list(design.catalog.ids(PonSystem))
    message = "the catalogue has no such PON system"
    if system is not None:
        classes = [design.catalog.get(PonClass, one) for one in design.catalog.ids(PonClass)]
        known = [one.id for one in classes if one is not None and one.system == system.id]
        message = f"'{wrong}' is no budget class of {system.id}"
    channels.findings.append(
        design.finding(
            "PON-STANDARD", Severity.ERROR, message, at=("networks", name), keys=(key,),
            expected=f"one of: {', '.join(known)}", found=wrong, hint=nearest(wrong, known),
        )
    )  # fmt: skip
    return None


def _branches(
    design: Design,
    equipment: Equipment,
    ends: dict[tuple[str, str], ResolvedLink],
    start: tuple[str, str],
    channels: Channels,
) -> Iterator[_Branch]:
    """Every ONU behind a port, in the order of the splitters' ports."""
    waiting = [_Branch(end=start)]
    seen: set[str] = set()
    while waiting:
        here = waiting.pop()
        link = ends.get(here.end)
        if link is None or link.name in seen:
            continue
        seen.add(link.name)
        there = _followed(here, link)
        node, port = equipment.nodes[there.end[0]], there.end[1]
        splitter = node.device.splitter
        if "onu" in node.functions:
            yield there
        elif splitter is not None and port == "in1":
            loss_db = splitter.insertion_loss_db.value
            waiting += [
                replace(
                    there,
                    end=(node.name, output),
                    losses_db=(*there.losses_db, loss_db),
                    split_count=there.split_count * splitter.ways,
                )
                for output in reversed(node.ports)
                if output != "in1"
            ]
        else:
            channels.findings.append(
                design.finding(
                    "PON-TREE", Severity.ERROR, "a PON branches from the OLT outwards",
                    at=("links", link.name), keys=("between",),
                    expected="a splitter's port in1, or an ONU, on the far side of the OLT",
                    found=f"{node.name}.{port}", hint="turn the splitter round, or name its ports",
                )
            )  # fmt: skip


def _followed(here: _Branch, link: ResolvedLink) -> _Branch:
    """The branch at the other end of a link."""
    assert isinstance(link.medium, Fibre)  # only fibre fits into a passive port
    piece = FibrePiece(
        fibre=link.medium,
        length_m=link.link.length_m,
        connectors=link.link.connectors,
        splices=link.link.splices,
    )
    attenuator_db = link.link.attenuator_db
    return replace(
        here,
        end=link.ends[1] if link.ends[0] == here.end else link.ends[0],
        pieces=(*here.pieces, piece),
        losses_db=(*here.losses_db, attenuator_db) if attenuator_db else here.losses_db,
    )


def _add_tree(
    design: Design,
    olt: tuple[str, str],
    network: PonNetwork,
    standards: tuple[PonSystem, PonClass],
    branches: list[_Branch],
    channels: Channels,
) -> None:
    """Both directions between an OLT port and each of its ONUs."""
    system, budget = standards
    origin = (("nodes", olt[0]), ())
    paths = [branch.path(system) for branch in branches]
    for findings in (
        pon.allocation_findings(network=network, system=system, onu_count=len(branches)),
        budget_findings(network=network, system=system, budget=budget, paths=paths),
    ):
        channels.report(design, findings, origin)
    for branch in branches:
        down = pon.downstream(
            system=system,
            distance_m=branch.length_m,
            allocation_count=len(branches) * network.bursts_per_frame,
            propagation_ps_per_m=branch.propagation_ps_per_m,
        )
        up = pon.upstream(
            network=network,
            system=system,
            onu_count=len(branches),
            distance_m=branch.length_m,
            propagation_ps_per_m=branch.propagation_ps_per_m,
        )
        for sender, receiver, crossing, line in (
            (olt, branch.end, down, system.downstream_line_bps),
            (branch.end, olt, up, system.upstream_line_bps),
        ):
            channels.report(design, crossing.findings, origin)
            channels.add(
                Channel(
                    egress=".".join(sender),
                    from_node=sender[0],
                    from_port=sender[1],
                    to_node=receiver[0],
                    to_port=receiver[1],
                    medium=system.id,
                    line_bps=line.value,
                    crossing=always(crossing),
                    origin=origin,
                )
            )
