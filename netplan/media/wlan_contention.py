# SPDX-License-Identifier: Apache-2.0
"""Saturated contention in a WLAN after Bianchi: a yardstick, never a deadline.

Every station always has a frame, nobody is hidden, the channel loses nothing but
collisions, and there are no priorities. The result is a mean: it says what contention
leaves of a channel, and why a plant polls instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

_STEPS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTimes:
    """How long a channel is taken.

    Attributes:
        payload_ps: The user's data of one frame.
        slot_ps: An empty slot.
        success_ps: A successful transmission, with everything that belongs to it.
        collision_ps: A collision.
    """

    payload_ps: float
    slot_ps: float
    success_ps: float
    collision_ps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Saturation:
    """A saturated network.

    Attributes:
        transmission_probability: tau, of a station in any slot.
        collision_probability: p, of a transmission.
        throughput_ratio: S, share of time that carries the user's data.
    """

    transmission_probability: float
    collision_probability: float
    throughput_ratio: float


def fhss_times(*, access: Literal["basic", "rts-cts"]) -> ChannelTimes:
    """Times of the published example: frequency hopping at 1 Mbit/s, 8184 bit of payload.

    One bit is a microsecond: MAC header 272, PHY header 128, acknowledgement 112 + PHY,
    request 160 + PHY, clear 112 + PHY; propagation 1 us, slot 50 us, SIFS 28 us, DIFS 128 us.

    Source: G. Bianchi, IEEE JSAC 18(3), 2000, Table II and equations (14) and (17).
    """
    header, payload, acknowledgement, request, clear = 272 + 128, 8184, 240, 288, 240
    propagation, sifs, difs = 1, 28, 128
    exchange = header + payload + sifs + propagation + acknowledgement + difs + propagation
    if access == "basic":
        success, collision = exchange, header + payload + difs + propagation
    else:
        success = request + sifs + propagation + clear + sifs + propagation + exchange
        collision = request + difs + propagation
    return ChannelTimes(
        payload_ps=payload * 1e6,
        slot_ps=50e6,
        success_ps=success * 1e6,
        collision_ps=collision * 1e6,
    )


def _root(function: Callable[[float], float]) -> float:
    """Root in (0, 1) of a function that is negative below it and positive above, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if function(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def throughput_ratio(
    *, transmission_probability: float, stations: int, times: ChannelTimes
) -> float:
    """Share of time that carries the user's data, for a given tau.

    Source: G. Bianchi, IEEE JSAC 18(3), 2000, equations (10) to (13).
    """
    tau = transmission_probability
    idle = (1 - tau) ** stations
    single = stations * tau * (1 - tau) ** (stations - 1)
    collided = max(0.0, 1 - idle - single)
    return (
        single
        * times.payload_ps
        / (idle * times.slot_ps + single * times.success_ps + collided * times.collision_ps)
    )


def bianchi(*, window: int, stages: int, stations: int, times: ChannelTimes) -> Saturation:
    """Saturation throughput of stations that back off exponentially.

    Args:
        window: W, number of values of the first backoff (CWmin + 1).
        stages: m, doublings of the window.
        stations: n.
        times: Of the channel.

    Source:
        G. Bianchi, IEEE JSAC 18(3), 2000, equations (7) and (9). (7) is used with its
        geometric sum written out, which also holds at p = 1/2; the root is unique.
    """

    def collision(tau: float) -> float:
        return float(1 - (1 - tau) ** (stations - 1))

    def surplus(tau: float) -> float:
        p = collision(tau)
        doubling = sum((2 * p) ** stage for stage in range(stages))
        return tau - 2 / (1 + window + p * window * doubling)

    tau = _root(surplus)
    return Saturation(
        transmission_probability=tau,
        collision_probability=collision(tau),
        throughput_ratio=throughput_ratio(
            transmission_probability=tau, stations=stations, times=times
        ),
    )


def best_transmission_probability(*, stations: int, times: ChannelTimes) -> float:
    """The tau that maximises the throughput, exactly.

    Source: G. Bianchi, IEEE JSAC 18(3), 2000, maximum saturation throughput:
        (1 - tau)^n - Tc* (n tau - (1 - (1 - tau)^n)) = 0 with Tc* = Tc / slot.
    """
    collision_slots = times.collision_ps / times.slot_ps

    def surplus(tau: float) -> float:
        idle = (1 - tau) ** stations
        return float(collision_slots * (stations * tau - (1 - idle)) - idle)

    return _root(surplus)


def approximate_transmission_probability(*, stations: int, times: ChannelTimes) -> float:
    """A tau near the maximum: 1 / (n sqrt(Tc* / 2)).

    Source: G. Bianchi, IEEE JSAC 18(3), 2000, maximum saturation throughput.
    """
    return 1 / (stations * math.sqrt(times.collision_ps / times.slot_ps / 2))


def largest_throughput_ratio(*, times: ChannelTimes) -> float:
    """Largest throughput of many stations, with K = sqrt(Tc* / 2).

    Source: G. Bianchi, IEEE JSAC 18(3), 2000, maximum saturation throughput:
        E[P] / (Ts + slot K + Tc (K (e^(1/K) - 1) - 1)).
    """
    k = math.sqrt(times.collision_ps / times.slot_ps / 2)
    return times.payload_ps / (
        times.success_ps + times.slot_ps * k + times.collision_ps * (k * math.expm1(1 / k) - 1)
    )
