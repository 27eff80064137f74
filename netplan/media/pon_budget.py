# SPDX-License-Identifier: Apache-2.0
"""The optical budget of a passive optical network: both directions, every ONU.

The optical class gives a least and a largest loss; short fibre in a plant breaks the
least one as easily as a long one breaks the other. Distances, splits and the spread
between ONUs are checked against the system and against the radius that the
network is configured for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netplan.catalog.model import PonClass, PonSystem
from netplan.design.findings import Finding
from netplan.design.networks import PonNetwork
from netplan.media.terms import error

_ROUNDING_DB = 1e-9
"""Sums of decibels are floats; a loss at the limit is within it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnuPath:
    """The way from the OLT to one ONU.

    Attributes:
        onu: Its name.
        distance_m: Fibre length.
        downstream_loss_db: ODN loss at the downstream wavelength.
        upstream_loss_db: ODN loss at the upstream wavelength.
        split_count: Product of the splitters' ways.
    """

    onu: str
    distance_m: float
    downstream_loss_db: float
    upstream_loss_db: float
    split_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """One direction of a class: its transmitter, receiver and penalty."""

    name: str
    receiver: str
    transmit_min_dbm: float
    transmit_max_dbm: float
    sensitivity_dbm: float
    overload_dbm: float
    penalty_db: float


def _ways(budget: PonClass) -> tuple[_Way, _Way]:
    down = _Way(
        name="downstream",
        receiver="ONU",
        transmit_min_dbm=budget.olt_transmit_min_dbm.value,
        transmit_max_dbm=budget.olt_transmit_max_dbm.value,
        sensitivity_dbm=budget.onu_sensitivity_dbm.value,
        overload_dbm=budget.onu_overload_dbm.value,
        penalty_db=budget.downstream_penalty_db.value,
    )
    up = _Way(
        name="upstream",
        receiver="OLT",
        transmit_min_dbm=budget.onu_transmit_min_dbm.value,
        transmit_max_dbm=budget.onu_transmit_max_dbm.value,
        sensitivity_dbm=budget.olt_sensitivity_dbm.value,
        overload_dbm=budget.olt_overload_dbm.value,
        penalty_db=budget.upstream_penalty_db.value,
    )
    return down, up


def _loss_findings(
    network: PonNetwork, budget: PonClass, way: _Way, onu: str, loss_db: float
) -> list[Finding]:
    findings = []
    planned_db = loss_db + network.margin_db
    weakest_dbm = way.transmit_min_dbm - planned_db - way.penalty_db
    allowed_db = min(
        budget.loss_max_db.value, way.transmit_min_dbm - way.sensitivity_dbm - way.penalty_db
    )
    if planned_db > allowed_db + _ROUNDING_DB:
        findings.append(
            error(
                "PON-LOSS-HIGH",
                f"{onu} {way.name}: {loss_db:.2f} dB and {network.margin_db:g} dB of margin "
                f"exceed the {allowed_db:.2f} dB of class {budget.id} by "
                f"{planned_db - allowed_db:.2f} dB",
                expected=f"at most {allowed_db - network.margin_db:.2f} dB; the {way.receiver} "
                f"receives {way.sensitivity_dbm:g} dBm or more",
                found=f"{loss_db:.2f} dB; {weakest_dbm:.2f} dBm with margin and penalty",
                hint="a smaller split, fewer connectors, shorter fibre, or a stronger class",
            )
        )
    strongest_dbm = way.transmit_max_dbm - loss_db
    needed_db = max(budget.loss_min_db.value, way.transmit_max_dbm - way.overload_dbm)
    if loss_db < needed_db - _ROUNDING_DB:
        findings.append(
            error(
                "PON-LOSS-LOW",
                f"{onu} {way.name}: {loss_db:.2f} dB is {needed_db - loss_db:.2f} dB less than "
                f"class {budget.id} needs",
                expected=f"at least {needed_db:.2f} dB; the {way.receiver} receives at most "
                f"{way.overload_dbm:g} dBm",
                found=f"{loss_db:.2f} dB; {strongest_dbm:.2f} dBm from the strongest transmitter",
                hint=f"fit an attenuator of {needed_db - loss_db:.1f} dB or more",
            )
        )
    return findings


def _distance_findings(network: PonNetwork, system: PonSystem, path: OnuPath) -> list[Finding]:
    findings = []
    reach_m = system.largest_reach_m
    if path.distance_m > reach_m.value:
        findings.append(
            error(
                "PON-REACH",
                f"{path.onu} is {path.distance_m:g} m away, farther than {system.id} reaches",
                expected=f"at most {reach_m.value:g} m ({reach_m.source})",
                found=f"{path.distance_m:g} m",
            )
        )
    if path.distance_m > network.reach_m:
        findings.append(
            error(
                "PON-REACH-CONFIGURED",
                f"{path.onu} is {path.distance_m:g} m away, but the network is configured for "
                f"{network.reach_m:g} m and would not range it",
                expected=f"reach of at least {path.distance_m:g} m",
                found=f"reach: {network.reach_m:g} m",
                hint="set reach to the real radius of the plant",
            )
        )
    split = system.largest_split
    if path.split_count > split.value:
        findings.append(
            error(
                "PON-SPLIT",
                f"the splitters before {path.onu} make a split of 1:{path.split_count}",
                expected=f"at most 1:{split.value} ({split.source})",
                found=f"1:{path.split_count}",
                hint="a further PON port",
            )
        )
    return findings


def _spread_findings(system: PonSystem, paths: Sequence[OnuPath]) -> list[Finding]:
    findings = []
    near = min(paths, key=lambda path: path.distance_m)
    far = max(paths, key=lambda path: path.distance_m)
    spread_m = far.distance_m - near.distance_m
    allowed_m = system.differential_reach_m
    if spread_m > allowed_m.value:
        findings.append(
            error(
                "PON-DIFFERENTIAL-REACH",
                f"{far.onu} is {spread_m:g} m farther away than {near.onu}",
                expected=f"at most {allowed_m.value:g} m ({allowed_m.source})",
                found=f"{spread_m:g} m",
                hint="distribute near and far ONUs over different PON ports",
            )
        )
    allowed_db = system.differential_loss_db
    for name in ("downstream", "upstream"):
        losses = {path.onu: getattr(path, f"{name}_loss_db") for path in paths}
        low, high = min(losses, key=losses.__getitem__), max(losses, key=losses.__getitem__)
        spread_db = losses[high] - losses[low]
        if spread_db > allowed_db.value + _ROUNDING_DB:
            findings.append(
                error(
                    "PON-DIFFERENTIAL-LOSS",
                    f"{name}: {high} loses {spread_db:.2f} dB more than {low}",
                    expected=f"at most {allowed_db.value:g} dB ({allowed_db.source})",
                    found=f"{losses[low]:.2f} to {losses[high]:.2f} dB",
                    hint=f"fit an attenuator at {low}, or split differently",
                )
            )
    return findings


def budget_findings(
    *,
    network: PonNetwork,
    system: PonSystem,
    budget: PonClass,
    paths: Sequence[OnuPath],
) -> tuple[Finding, ...]:
    """Whether every ONU is within class, reach and split, in both directions.

    The margin counts against the largest loss only: a new plant has not aged yet. A
    receiver's sensitivity is met after the optical path penalty.

    Args:
        network: Gives margin and configured reach.
        system: From the catalogue.
        budget: Optical class from the catalogue.
        paths: One for each ONU.

    Source:
        ITU-T G.984.2 (2019), 8.2.8; G.987.2, 9; G.9807.1, B.9; differential reach and loss:
        G.984.1, 8; G.987.1, 7.
    """
    findings: list[Finding] = []
    if budget.system != system.id:
        findings.append(
            error(
                "PON-CLASS-OF-OTHER-SYSTEM",
                f"class {budget.id} belongs to {budget.system}, the network is {system.id}",
                expected=f"a class of {system.id}",
                found=budget.id,
            )
        )
    if not paths:
        return tuple(findings)
    for path in paths:
        for way, loss_db in zip(
            _ways(budget), (path.downstream_loss_db, path.upstream_loss_db), strict=True
        ):
            findings += _loss_findings(network, budget, way, path.onu, loss_db)
        findings += _distance_findings(network, system, path)
    findings += _spread_findings(system, paths)
    return tuple(findings)


def reach_by_loss_m(
    *, loss_max_db: float, passive_loss_db: float, margin_db: float, fibre_db_per_km: float
) -> float:
    """Fibre length that the class leaves after splitters, connectors, splices and margin.

    Negative when they exceed the class by themselves; cap it by the system's reach.

    Source: ITU-T G Suppl. 39, 9.1: worst-case loss budget.
    """
    return (loss_max_db - passive_loss_db - margin_db) / fibre_db_per_km * 1000
