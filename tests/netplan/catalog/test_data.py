# SPDX-License-Identifier: Apache-2.0
"""The shipped entries: readable, consistent with one another and with physics."""

from __future__ import annotations

import math
from pathlib import Path
from typing import get_args

import pytest

from netplan.catalog.loader import KINDS, SHIPPED, Catalog, EntryT
from netplan.catalog.model import (
    Copper,
    Device,
    Entry,
    Fibre,
    Material,
    PonClass,
    PonSystem,
    Protocol,
    Role,
    Sourced,
    SourcedSpan,
    Strict,
    TrafficType,
    Transceiver,
)
from netplan.design.equipment import Function
from netplan.media.frames import ENCAPSULATION_OCTETS, MAXIMUM_PAYLOAD_OCTETS, wire_time_ps

CATALOG = Catalog.load()
FILES = sorted(SHIPPED.rglob("*.yaml"))
KIND_OF = {folder: kind for kind, folder in KINDS.items()}
RADIO_FUNCTIONS = {"access-point", "iwlan-client", "gnb", "ue"}


def entry(kind: type[EntryT], entry_id: str) -> EntryT:
    found = CATALOG.get(kind, entry_id)
    assert found is not None, entry_id
    return found


def every(kind: type[EntryT]) -> list[EntryT]:
    return [entry(kind, entry_id) for entry_id in CATALOG.ids(kind)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_file_is_an_entry(file: Path) -> None:
    lines = file.read_text().splitlines()
    assert lines[0] == "# SPDX-License-Identifier: Apache-2.0"
    assert max(map(len, lines)) <= 100
    assert f"id: {file.stem}" in lines
    read = entry(KIND_OF[file.parent.name], file.stem)
    assert read.id == file.stem
    assert read.name


def test_nothing_else_lies_between_the_files() -> None:
    assert {path for path in SHIPPED.rglob("*") if path.is_file()} == set(FILES)
    assert {path.name for path in SHIPPED.iterdir()} == set(KIND_OF)


def test_no_two_files_have_the_same_id() -> None:
    keys = [(file.parent.name, file.stem.lower()) for file in FILES]
    assert len(keys) == len(set(keys))


def sourced(value: object) -> list[Sourced[object] | SourcedSpan]:
    if isinstance(value, (Sourced, SourcedSpan)):
        return [value]
    if isinstance(value, Strict):
        return [one for name in type(value).model_fields for one in sourced(getattr(value, name))]
    if isinstance(value, tuple):
        return [one for item in value for one in sourced(item)]
    return []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: KINDS[kind])
def test_what_rests_on_experience_does_not_claim_to_be_checked(kind: type[Entry]) -> None:
    for read in every(kind):
        for value in sourced(read):
            if "planning practice" in value.source:
                assert value.certainty in {"memory", "unsure"}, read.id


@pytest.mark.parametrize("role", every(Role), ids=lambda role: role.id)
def test_a_role_fits_its_device(role: Role) -> None:
    functions = set(role.functions)
    device = entry(Device, role.device)
    connectors = {group.connector for group in device.ports}
    assert functions
    assert functions <= set(get_args(Function))
    assert (device.host is not None) == ("talker" in functions)
    assert (device.splitter is not None) == ("splitter" in functions)
    assert (device.radio is not None) == bool(functions & RADIO_FUNCTIONS)
    assert ("pon" in connectors) == bool(functions & {"olt", "onu"})
    assert (device.bridge is not None) == bool(functions & {"bridge", "router", "firewall"})


@pytest.mark.parametrize("device", every(Device), ids=lambda device: device.id)
def test_a_device_is_complete(device: Device) -> None:
    assert device.ports
    connectors = {group.connector for group in device.ports}
    assert (device.radio is not None) == ("radio" in connectors)
    assert (device.splitter is not None) == ("optical" in connectors)
    for group in device.ports:
        assert bool(group.rates_bps) == (group.connector in {"rj45", "sfp"})
        assert list(group.rates_bps) == sorted(set(group.rates_bps))
    assert device.bridge or device.host or device.splitter


@pytest.mark.parametrize("device", every(Device), ids=lambda device: device.id)
def test_what_has_gates_states_all_limits_of_a_schedule(device: Device) -> None:
    bridge = device.bridge
    if bridge is None or bridge.gate_entries is None or bridge.gate_entries.value == 0:
        return
    assert bridge.gate_granularity_ps is not None
    assert bridge.gate_interval_ps is not None
    assert bridge.cycle_max_ps is not None
    assert bridge.gate_interval_ps.value >= bridge.gate_granularity_ps.value
    assert bridge.cycle_max_ps.value > bridge.gate_interval_ps.value
    for other in (
        *(bridge.preemption, bridge.cut_through, bridge.queue_max_sdu, bridge.stream_filters),
        *(bridge.stream_gates, bridge.flow_meters, bridge.recovery_functions),
    ):
        assert other is not None
    # a schedule runs on a clock that is synchronised
    assert device.clock is not None


@pytest.mark.parametrize("device", every(Device), ids=lambda device: device.id)
def test_clocks_stay_within_the_standard(device: Device) -> None:
    """IEEE Std 802.1AS-2020, B.1.1 and B.2.2; a 5G system is the one exception to B.1.2."""
    clock = device.clock
    if clock is None:
        return
    assert clock.drift_ppb.value <= 100_000
    assert clock.residence_ps.value <= 10 * 10**9
    assert clock.timestamp_error_ps.value <= 40_000 or device.id == "generic-tsn-translator"
    assert 0 < clock.wander_ppb_per_s.value <= 3_000


def test_splitters_lose_a_little_more_than_they_divide() -> None:
    for ways in (2, 4, 8, 16, 32, 64, 128):
        device = entry(Device, f"splitter-1x{ways}")
        assert device.splitter is not None
        assert device.splitter.ways == ways
        assert {group.prefix: group.count for group in device.ports} == {"in": 1, "out": ways}
        excess_db = device.splitter.insertion_loss_db.value - 10 * math.log10(ways)
        assert 0.5 < excess_db < 3.0


def test_two_port_devices_follow_the_lenze_rule() -> None:
    # 48 B of data: (36 + 48) * 8 * 10 ns = 6.72 us on the wire, 2 * 1.76 us inside; 10.24 us
    for name in ("generic-io", "generic-drive-100m"):
        bridge = entry(Device, name).bridge
        assert bridge is not None
        assert bridge.processing.min_ps == bridge.processing.max_ps == 2 * 1_760_000
        assert wire_time_ps(36 + 48, 10**8) + bridge.processing.max_ps == 10_240_000


def test_wlan_keeps_the_lowest_limit_of_radiated_power() -> None:
    for name in ("generic-access-point", "generic-iwlan-client", "generic-panel-iwlan"):
        radio = entry(Device, name).radio
        assert radio is not None
        assert radio.transmit_power_dbm.value + radio.antenna_gain_db.value <= 20


@pytest.mark.parametrize("pon_class", every(PonClass), ids=lambda pon_class: pon_class.id)
def test_pon_levels_agree_with_the_losses(pon_class: PonClass) -> None:
    """Tx_min - Rx_sens = max_loss + penalty, and Tx_max - min_loss <= Rx_overload."""
    least_db, most_db = pon_class.loss_min_db.value, pon_class.loss_max_db.value
    for low, high, sensitivity, overload, penalty in (
        (
            pon_class.olt_transmit_min_dbm, pon_class.olt_transmit_max_dbm,
            pon_class.onu_sensitivity_dbm, pon_class.onu_overload_dbm,
            pon_class.downstream_penalty_db,
        ),
        (
            pon_class.onu_transmit_min_dbm, pon_class.onu_transmit_max_dbm,
            pon_class.olt_sensitivity_dbm, pon_class.olt_overload_dbm,
            pon_class.upstream_penalty_db,
        ),
    ):  # fmt: skip
        assert low.value < high.value
        assert low.value - sensitivity.value == pytest.approx(most_db + penalty.value)
        assert high.value - least_db <= overload.value
    assert 10 <= most_db - least_db <= entry(PonSystem, pon_class.system).differential_loss_db.value
    assert pon_class.id.startswith(pon_class.system)


def test_pon_reach_example() -> None:
    # GPON B+, 1:64, 2 connectors, 4 splices, margin 1 dB, 1310 nm:
    # (28 - 20.5 - 1 - 0.4 - 1) / 0.35 = 14.57 km
    fibre = entry(Fibre, "g652d")
    splitter = entry(Device, "splitter-1x64").splitter
    assert splitter is not None
    left_db = (
        entry(PonClass, "gpon-b-plus").loss_max_db.value
        - splitter.insertion_loss_db.value
        - 2 * fibre.connector_loss_db.value
        - 4 * fibre.splice_loss_db.value
        - 1
    )
    loss = {loss.wavelength_nm: loss.attenuation_db_per_km for loss in fibre.losses}
    assert left_db / loss[1310] == pytest.approx(14.57, abs=0.005)


@pytest.mark.parametrize(
    ("system", "downstream_octets", "upstream_octets", "downstream_code", "upstream_code"),
    [
        # line rate * 125 us / 8; octets of data and of a whole codeword
        pytest.param("gpon", 38_880, 19_440, (239, 255), (239, 255), id="gpon"),
        pytest.param("xg-pon", 155_520, 38_880, (216, 248), (232, 248), id="xg-pon"),
        pytest.param("xgs-pon", 155_520, 155_520, (216, 248), (216, 248), id="xgs-pon"),
    ],
)
def test_pon_frames(
    system: str,
    downstream_octets: int,
    upstream_octets: int,
    downstream_code: tuple[int, int],
    upstream_code: tuple[int, int],
) -> None:
    pon = entry(PonSystem, system)
    assert pon.frame_period_ps.value == 125_000_000
    for line_bps, octets, ratio, (data, whole) in (
        (pon.downstream_line_bps, downstream_octets, pon.downstream_payload_ratio, downstream_code),
        (pon.upstream_line_bps, upstream_octets, pon.upstream_payload_ratio, upstream_code),
    ):
        assert line_bps.value * 125 == octets * 8 * 10**6
        assert pon.codeword_octets.value == whole
        assert 0 <= data / whole - ratio.value < 1e-6


def test_xgs_pon_frame_is_full_of_codewords() -> None:
    pon = entry(PonSystem, "xgs-pon")
    assert pon.frame_header_octets.value + 627 * pon.codeword_octets.value == 155_520


def test_gpon_burst_overhead_is_96_bit() -> None:
    pon = entry(PonSystem, "gpon")
    exact_ps = wire_time_ps(96 // 8, pon.upstream_line_bps.value)
    assert exact_ps <= pon.burst_overhead_ps.value < exact_ps + 1000


def used_wavelengths_nm(mode: str) -> set[int]:
    found = {one.wavelength_nm.value for one in every(Transceiver) if one.mode == mode}
    if mode == "single":
        for pon in every(PonSystem):
            found |= {pon.downstream_wavelength_nm.value, pon.upstream_wavelength_nm.value}
    return found


@pytest.mark.parametrize("fibre", every(Fibre), ids=lambda fibre: fibre.id)
def test_a_fibre_knows_every_wavelength_that_is_used(fibre: Fibre) -> None:
    known = [loss.wavelength_nm for loss in fibre.losses]
    assert known == sorted(set(known))
    assert used_wavelengths_nm(fibre.mode) <= set(known)
    assert 4800 <= fibre.propagation_ps_per_m.value <= 5050


@pytest.mark.parametrize("module", every(Transceiver), ids=lambda module: module.id)
def test_a_transceiver_reaches_its_largest_length(module: Transceiver) -> None:
    fibre = entry(Fibre, "om3" if module.mode == "multi" else "g652d")
    loss = {loss.wavelength_nm: loss.attenuation_db_per_km for loss in fibre.losses}
    needed_db = (
        module.largest_length_m.value / 1000 * loss[module.wavelength_nm.value]
        + 2 * fibre.connector_loss_db.value
    )
    assert module.transmit_min_dbm.value < module.transmit_max_dbm.value
    assert module.receive_min_dbm.value < module.receive_max_dbm.value
    assert module.transmit_min_dbm.value - module.receive_min_dbm.value >= needed_db


def test_copper() -> None:
    for cable in every(Copper):
        assert cable.propagation_ps_per_m.value == 5300
        assert cable.largest_length_m.value == 100
    assert entry(Copper, "profinet-type-a").largest_rate_bps.value == 10**8


@pytest.mark.parametrize("protocol", every(Protocol), ids=lambda protocol: protocol.id)
def test_a_protocol_fits_into_frames(protocol: Protocol) -> None:
    room_octets = MAXIMUM_PAYLOAD_OCTETS - ENCAPSULATION_OCTETS[protocol.encapsulation]
    largest, smallest = protocol.largest_payload_octets, protocol.smallest_payload_octets
    assert largest is None or largest.value <= room_octets
    assert smallest is None or largest is None or smallest.value < largest.value
    if protocol.watchdog_cycles is not None and protocol.deadline_cycles is not None:
        assert protocol.deadline_cycles.value <= protocol.watchdog_cycles.value


def test_traffic_types_have_their_usual_priorities() -> None:
    assert {kind.id: kind.pcp.value for kind in every(TrafficType)} == {
        "network-control": 7, "isochronous": 6, "cyclic-synchronous": 5, "cyclic-asynchronous": 4,
        "alarms": 3, "audio": 3, "voice": 3, "configuration": 2, "video": 2,
        "best-effort-high": 1, "best-effort-low": 0,
    }  # fmt: skip


def test_materials_lose_something() -> None:
    losses_db = {one.id: one.loss_db.value for one in every(Material)}
    assert all(0 < loss_db <= 40 for loss_db in losses_db.values())
    # TR 38.901, Table 7.4.3-1 at 3.75 GHz: 5 + 4 f and 25.4 + 0.11 f
    assert losses_db["concrete"] == pytest.approx(20)
    assert losses_db["irr-glass"] == pytest.approx(25.8125)
