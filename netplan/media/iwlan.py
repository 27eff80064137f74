# SPDX-License-Identifier: Apache-2.0
"""An industrial WLAN as a medium: the access point polls each client once a cycle.

Operating mode: legacy OFDM at 20 MHz, one rate for the whole cell, no contention. In
each cycle every client is polled with a downlink frame and answers with an uplink frame; both
may hold several Ethernet frames, none is cut. A failed exchange is repeated in the
client's next turn. Room for a beacon is kept in every cycle. Roaming is outside, and so
are radar events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from netplan.design.findings import Finding, Severity
from netplan.design.networks import IwlanNetwork
from netplan.design.quantities import duration_text, rate_text
from netplan.media.grants import polled_service
from netplan.media.interface import Crossing, GrantMechanism, NoService
from netplan.media.terms import air_term, error
from netplan.media.wlan_frames import (
    LEGACY_BITS_PER_SYMBOL,
    LEGACY_LARGEST_PSDU_OCTETS,
    LEGACY_SENSITIVITY_DBM,
    legacy_duration_ps,
    mac_timing,
)

FRAME_OVERHEAD_OCTETS = 26
"""What an Ethernet frame gains on its way through the air.

QoS header with four addresses 32 and LLC/SNAP without the type 6, less the two Ethernet
addresses 12; the frame check sequence is counted already. In an aggregate (A-MSDU) each frame gains
less: 14 + 6 + 3 of padding - 12.

Source: IEEE Std 802.11-2020, 9.2.3, 9.2.4 and 9.3.2.2.2; IEEE Std 802.1Q-2022, Annex M.
"""
BEACON_OCTETS = 200
"""Source: planning practice, not normative; IEEE Std 802.11-2020, 9.3.3.2 fixes no length."""
BEACON_RATE_BPS = 6_000_000
"""Lowest mandatory rate. Source: IEEE Std 802.11-2020, 17.1.1."""
_MECHANISM_SOURCE = "polling cycle of the network; IEEE Std 802.11-2020, 17.4.3 (durations)"

Direction = Literal["uplink", "downlink"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PollingCycle:
    """How long polling all clients takes.

    Attributes:
        frame_ps: The poll with its downlink data, or the answer: one frame of the quota.
        sifs_ps: Space after each of them.
        exchange_ps: A client's turn: poll, SIFS, answer, SIFS.
        beacon_ps: Room for a beacon and the space before it.
        needed_ps: All turns and the beacon.
    """

    frame_ps: int
    sifs_ps: int
    exchange_ps: int
    beacon_ps: int
    needed_ps: int


def polling_cycle(*, network: IwlanNetwork, client_count: int, rate_bps: int) -> PollingCycle:
    """The shortest cycle in which every client gets its turn.

    Args:
        network: Gives carrier and quota.
        client_count: Clients of the cell.
        rate_bps: A legacy OFDM rate.

    Source:
        Frame durations and spaces: IEEE Std 802.11-2020, 17.4.3 and 10.3.2.3. The order
        poll, answer, next poll is that of point coordination (IEEE Std 802.11-2016, 10.4) and of
        the industrial polling that followed it.
    """
    timing = mac_timing(network.carrier_hz)
    frame_ps = legacy_duration_ps(
        psdu_octets=network.quota_octets, rate_bps=rate_bps, extension_ps=timing.extension_ps
    )
    exchange_ps = 2 * (frame_ps + timing.sifs_ps)
    beacon_ps = timing.pifs_ps + legacy_duration_ps(
        psdu_octets=BEACON_OCTETS, rate_bps=BEACON_RATE_BPS, extension_ps=timing.extension_ps
    )
    return PollingCycle(
        frame_ps=frame_ps,
        sifs_ps=timing.sifs_ps,
        exchange_ps=exchange_ps,
        beacon_ps=beacon_ps,
        needed_ps=client_count * exchange_ps + beacon_ps,
    )


def rate_for_level(*, received_dbm: float, fade_margin_db: float) -> int | None:
    """The fastest legacy rate that a received level allows; None when none does.

    Source: IEEE Std 802.11-2020, Table 17-18: least sensitivity of any receiver.
    """
    usable = [
        rate_bps
        for rate_bps, sensitivity_dbm in LEGACY_SENSITIVITY_DBM.items()
        if sensitivity_dbm + fade_margin_db <= received_dbm
    ]
    return max(usable, default=None)


def _rate(
    network: IwlanNetwork, received_dbm: float, weakest_dbm: float
) -> tuple[int, list[Finding]]:
    """The cell's rate; the slowest one stands in where a finding refuses the network."""
    slowest_bps = min(LEGACY_BITS_PER_SYMBOL)
    rate_bps = network.rate_bps
    if rate_bps is None:
        rate_bps = rate_for_level(
            received_dbm=min(received_dbm, weakest_dbm), fade_margin_db=network.fade_margin_db
        )
    elif rate_bps not in LEGACY_BITS_PER_SYMBOL:
        return slowest_bps, [
            error(
                "IWLAN-RATE-UNKNOWN",
                f"legacy OFDM has no rate of {rate_text(rate_bps)}",
                expected=", ".join(rate_text(rate) for rate in LEGACY_BITS_PER_SYMBOL),
                found=rate_text(rate_bps),
            )
        ]
    wanted_bps = slowest_bps if rate_bps is None else rate_bps
    least_dbm = LEGACY_SENSITIVITY_DBM[wanted_bps] + network.fade_margin_db
    if received_dbm >= least_dbm:
        return wanted_bps, []
    return wanted_bps, [
        error(
            "IWLAN-NO-COVERAGE",
            f"{received_dbm:.1f} dBm is too little for {rate_text(wanted_bps)} with a fade margin "
            f"of {network.fade_margin_db:g} dB",
            expected=f"at least {least_dbm:.1f} dBm",
            found=f"{received_dbm:.1f} dBm",
            hint="another access point, a position nearer to one, or a lower rate",
        )
    ]


def _quota_findings(network: IwlanNetwork, largest_frame_octets: int) -> list[Finding]:
    findings = []
    needed_octets = largest_frame_octets + FRAME_OVERHEAD_OCTETS
    if network.quota_octets > LEGACY_LARGEST_PSDU_OCTETS:
        findings.append(
            error(
                "IWLAN-QUOTA-LARGE",
                f"a legacy OFDM frame does not hold {network.quota_octets} octets",
                expected=f"quota of at most {LEGACY_LARGEST_PSDU_OCTETS} B",
                found=f"quota: {network.quota_octets} B",
            )
        )
    elif network.quota_octets < needed_octets:
        findings.append(
            error(
                "IWLAN-QUOTA-SMALL",
                f"a frame of {largest_frame_octets} octets takes {needed_octets} octets in the "
                "air and would never be sent",
                expected=f"quota of at least {needed_octets} B",
                found=f"quota: {network.quota_octets} B",
                hint="raise the quota, or send smaller frames",
            )
        )
    elif network.quota_octets < 2 * needed_octets - 1:
        findings.append(
            Finding(
                code="IWLAN-QUOTA-WASTED",
                severity=Severity.NOTE,
                message=f"with frames of up to {largest_frame_octets} octets a turn may "
                f"carry as little as {network.quota_octets - needed_octets + 1} octets, and a "
                "bound counts on no more",
                expected=f"quota of {2 * needed_octets - 1} B or more for a useful bound",
                found=f"quota: {network.quota_octets} B",
                hint="raise the quota, or keep large frames off this network",
            )
        )
    return findings


def _crossing(
    *,
    network: IwlanNetwork,
    direction: Direction,
    client_count: int,
    received_dbm: float,
    weakest_dbm: float | None,
    allowed_miss_ratio: float,
    largest_frame_octets: int,
    distance_m: float,
) -> Crossing:
    rate_bps, findings = _rate(
        network, received_dbm, received_dbm if weakest_dbm is None else weakest_dbm
    )
    findings += _quota_findings(network, largest_frame_octets)
    cycle = polling_cycle(network=network, client_count=max(1, client_count), rate_bps=rate_bps)
    cycle_ps = cycle.needed_ps if network.cycle_ps is None else network.cycle_ps
    if cycle_ps < cycle.needed_ps:
        findings.append(
            error(
                "IWLAN-CYCLE-SHORT",
                f"{client_count} clients at {rate_text(rate_bps)} take "
                f"{duration_text(cycle.needed_ps)}: {duration_text(cycle.exchange_ps)} each and "
                f"{duration_text(cycle.beacon_ps)} for a beacon",
                expected=f"cycle of at least {duration_text(cycle.needed_ps)}",
                found=f"cycle: {duration_text(cycle_ps)}",
                hint="a longer cycle, a smaller quota, a higher rate, or fewer clients",
            )
        )
    # Downlink data goes out with the poll; an answer is loaded when its poll begins.
    burst_ps = cycle.frame_ps
    if direction == "uplink":
        burst_ps = 2 * cycle.frame_ps + cycle.sifs_ps
    service = polled_service(
        cycle_ps=cycle_ps,
        burst_ps=burst_ps,
        quota_octets=network.quota_octets,
        largest_counted_octets=largest_frame_octets + FRAME_OVERHEAD_OCTETS,
        failure_probability=network.error_ratio,
        max_retries=network.largest_retries,
        allowed_miss_ratio=allowed_miss_ratio,
        source=_MECHANISM_SOURCE,
    )
    if any(finding.severity is Severity.ERROR for finding in findings):
        service = NoService(because="the network cannot work as designed; see its findings")
    return Crossing(
        findings=tuple(findings),
        terms=(air_term(distance_m),) if distance_m > 0 else (),
        before=(),
        service=service,
        mechanism=GrantMechanism(
            cycle_ps=cycle_ps,
            openings_ps=(0,),
            phase_ps=None,
            quota_octets=network.quota_octets,
            overhead_octets=FRAME_OVERHEAD_OCTETS,
            fragments=False,
            serial_bps=0,
            burst_ps=burst_ps,
            failure_probability=network.error_ratio,
            max_retries=network.largest_retries,
            retry_after_ps=0,
        ),
        assumptions=(
            (
                f"The access point polls {client_count} clients in {duration_text(cycle_ps)} at "
                f"{rate_text(rate_bps)}, {network.quota_octets} octets each way, "
                "without contention."
            ),
            (
                f"Each exchange fails independently with probability {network.error_ratio:g} and "
                f"is repeated in the client's next turn, at most {network.largest_retries} times."
            ),
            "The start of the polling cycle on the network's time is unknown, so any phase counts.",
            "Clients do not roam, and no radar makes the channel change.",
        ),
    )


def uplink(
    *,
    network: IwlanNetwork,
    client_count: int,
    received_dbm: float,
    allowed_miss_ratio: float,
    largest_frame_octets: int = 1522,
    weakest_dbm: float | None = None,
    distance_m: float = 0.0,
) -> Crossing:
    """From a client to the access point.

    What waits when the client's poll begins goes into its answer, and is delivered at the
    answer's end.

    Args:
        network: The network.
        client_count: Clients of the cell.
        received_dbm: Mean level at the access point, before the fade margin.
        allowed_miss_ratio: Tolerated share of late or lost frames of the strictest stream.
        largest_frame_octets: Largest frame that uses the turns.
        weakest_dbm: Weakest level of any client in either direction, which sets the
            cell's rate; this client's when left out.
        distance_m: Largest distance between client and access point.

    Source:
        As :func:`polling_cycle`.
    """
    return _crossing(
        network=network,
        direction="uplink",
        client_count=client_count,
        received_dbm=received_dbm,
        weakest_dbm=weakest_dbm,
        allowed_miss_ratio=allowed_miss_ratio,
        largest_frame_octets=largest_frame_octets,
        distance_m=distance_m,
    )


def downlink(
    *,
    network: IwlanNetwork,
    client_count: int,
    received_dbm: float,
    allowed_miss_ratio: float,
    largest_frame_octets: int = 1522,
    weakest_dbm: float | None = None,
    distance_m: float = 0.0,
) -> Crossing:
    """From the access point to a client.

    What waits for the client when its poll begins goes with the poll, and is delivered at
    the poll's end. Arguments as :func:`uplink`, the level being the client's.

    Source:
        As :func:`polling_cycle`.
    """
    return _crossing(
        network=network,
        direction="downlink",
        client_count=client_count,
        received_dbm=received_dbm,
        weakest_dbm=weakest_dbm,
        allowed_miss_ratio=allowed_miss_ratio,
        largest_frame_octets=largest_frame_octets,
        distance_m=distance_m,
    )
