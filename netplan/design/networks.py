# SPDX-License-Identifier: Apache-2.0
"""Shared-medium networks that nodes attach to: 5G, IWLAN and PON, one operating mode each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from netplan.catalog.model import Strict
from netplan.design.quantities import (
    Duration,
    Frequency,
    Gain,
    Length,
    Period,
    Rate,
    Ratio,
    Size,
)


class CellularNetwork(Strict):
    """A private 5G NR network with TDD, configured grants uplink and semi-persistent downlink."""

    kind: Literal["5g"]
    carrier_hz: Frequency = Field(alias="carrier", description="Centre frequency.")
    bandwidth_hz: Frequency = Field(alias="bandwidth")
    subcarrier_spacing_hz: Frequency = Field(alias="subcarrier_spacing")
    pattern: str = Field(
        pattern=r"^[DSU]{2,20}$", description="Slots of the TDD period, such as DDDSU."
    )
    capability: Literal[1, 2] = Field(
        default=1, description="UE processing capability of TS 38.214."
    )
    resource_blocks_per_ue: Annotated[int, Field(ge=1, le=275)] | None = Field(
        default=None, description="Blocks reserved for each UE; an equal share when left out."
    )
    error_ratio: Ratio = Field(
        alias="block_error", default=0.1, description="Probability that one transmission fails."
    )
    largest_retries: Annotated[int, Field(ge=0, le=16)] = Field(alias="retries", default=4)
    fade_margin_db: Gain = Field(alias="fade_margin", default=10.0)
    core_min_ps: Duration = Field(
        alias="core_min", default=100_000_000, description="Least delay of gNB stack and UPF."
    )
    core_max_ps: Duration = Field(
        alias="core_max", default=500_000_000, description="Largest delay of gNB stack and UPF."
    )


class IwlanNetwork(Strict):
    """An industrial WLAN in which the access point polls each client once a cycle."""

    kind: Literal["iwlan"]
    carrier_hz: Frequency = Field(alias="carrier", description="Centre frequency.")
    rate_bps: Rate | None = Field(
        alias="rate",
        default=None,
        description="Legacy OFDM rate (6 to 54 Mbit/s); the fastest that reaches when left out.",
    )
    cycle_ps: Period | None = Field(
        alias="cycle", default=None, description="Polling cycle; the shortest when left out."
    )
    quota_octets: Size = Field(
        alias="quota", default=1600, description="Octets that a client may move each way a cycle."
    )
    error_ratio: Ratio = Field(
        alias="frame_error", default=0.01, description="Probability that one exchange fails."
    )
    largest_retries: Annotated[int, Field(ge=0, le=16)] = Field(alias="retries", default=3)
    fade_margin_db: Gain = Field(alias="fade_margin", default=10.0)


class PonNetwork(Strict):
    """A passive optical network with fixed grants upstream and no quiet window in service."""

    kind: Literal["pon"]
    system: str = Field(description="A PON system of the catalogue, such as 'xgs-pon'.")
    budget: str = Field(description="An optical class of the catalogue, such as 'xgs-pon-n1'.")
    reach_m: Length = Field(
        alias="reach", description="Configured radius: distance of the farthest ONU allowed for."
    )
    grant_bps: Rate = Field(alias="grant", description="Fixed bandwidth of each ONU upstream.")
    bursts_per_frame: Annotated[int, Field(ge=1, le=16)] = 1
    margin_db: Gain = Field(
        alias="margin", default=1.0, description="Reserve for ageing and repair."
    )


Network = Annotated[
    CellularNetwork | IwlanNetwork | PonNetwork,
    Field(discriminator="kind"),
]


class Attachment(Strict):
    """How a radio interface of a node joins a network."""

    network: str
    session: Literal["ethernet", "ip"] = Field(
        default="ethernet", description="Kind of PDU session over 5G."
    )


class Addressing(Strict):
    """IPv6 of the plant."""

    prefix: str | None = Field(
        default=None,
        description="Site prefix of /48 or shorter, such as 'fd12:3456:789a::/48'; "
        "a unique local one made from the design's name when left out.",
    )
