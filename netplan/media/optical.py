# SPDX-License-Identifier: Apache-2.0
"""Loss of passive optical plant: fibre, connectors, splices, splitters.

Losses are positive decibels. Which power arrives, and whether a receiver can
live with it, belongs to :mod:`netplan.media.fibre` and :mod:`netplan.media.pon_budget`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from netplan.catalog.model import Fibre

WAVELENGTH_TOLERANCE_NM = 50
"""How far beyond a fibre's listed wavelengths its attenuation is still used.

Source: planning practice, not normative: within one transmission window
(ITU-T G Suppl. 39, 5) attenuation changes by a few hundredths of a decibel per kilometre.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FibrePiece:
    """One continuous piece of fibre with what joins it to the rest.

    Attributes:
        fibre: Type from the catalogue.
        length_m: Installed length, slack included.
        connectors: Connector pairs counted with this piece.
        splices: Fusion splices counted with this piece.
    """

    fibre: Fibre
    length_m: float
    connectors: int = 0
    splices: int = 0


def attenuation_db_per_km(fibre: Fibre, wavelength_nm: float) -> float:
    """Attenuation at a wavelength, on the straight line between the listed neighbours.

    Beyond the listed wavelengths the nearest one counts; see :func:`covers`.
    """
    points = sorted((loss.wavelength_nm, loss.attenuation_db_per_km) for loss in fibre.losses)
    if wavelength_nm <= points[0][0]:
        return points[0][1]
    for (low_nm, low_db), (high_nm, high_db) in itertools.pairwise(points):
        if wavelength_nm <= high_nm:
            share = (wavelength_nm - low_nm) / (high_nm - low_nm)
            return low_db + share * (high_db - low_db)
    return points[-1][1]


def covers(fibre: Fibre, wavelength_nm: float) -> bool:
    """Whether the fibre's entry says anything about this wavelength."""
    listed_nm = [loss.wavelength_nm for loss in fibre.losses]
    least_nm = min(listed_nm) - WAVELENGTH_TOLERANCE_NM
    return least_nm <= wavelength_nm <= max(listed_nm) + WAVELENGTH_TOLERANCE_NM


def piece_loss_db(piece: FibrePiece, wavelength_nm: float) -> float:
    """Insertion loss of a piece: fibre, connectors, splices."""
    return (
        piece.length_m / 1000 * attenuation_db_per_km(piece.fibre, wavelength_nm)
        + piece.connectors * piece.fibre.connector_loss_db.value
        + piece.splices * piece.fibre.splice_loss_db.value
    )


def odn_loss_db(
    *,
    pieces: Sequence[FibrePiece],
    splitter_losses_db: Sequence[float],
    wavelength_nm: float,
) -> float:
    """Loss between an OLT and one ONU at one wavelength: pieces and splitters on the way.

    Source: ITU-T G.984.2 (2019), 8.2.8.1 and G Suppl. 39, 9.1: losses in dB add up.
    """
    return sum(piece_loss_db(piece, wavelength_nm) for piece in pieces) + sum(splitter_losses_db)
